#include "harness/run/validity.h"

#include <fmt/format.h>

#include <set>

namespace grm {
namespace {

void check_share(const SuiteFacts& facts, std::int64_t count, double limit, const char* what, std::vector<std::string>& reasons) {
  if (facts.judged == 0) return;
  const double share = static_cast<double>(count) / static_cast<double>(facts.judged);
  if (share <= limit) return;
  reasons.push_back(fmt::format("{}: {} of {} judgements {} ({:.1f} %), more than the limit of {:.1f} %", facts.suite, count,
                                facts.judged, what, 100 * share, 100 * limit));
}

void check_suite(const SuiteFacts& facts, const ValidityLimits& limits, std::vector<std::string>& reasons) {
  const std::int64_t recorded = facts.judged + facts.item_errors + facts.passing_errors;
  if (facts.expected == 0) reasons.push_back(fmt::format("{}: no items", facts.suite));
  if (recorded < facts.expected) {
    reasons.push_back(fmt::format("{}: {} of {} judgements are missing", facts.suite, facts.expected - recorded, facts.expected));
  }
  if (recorded > facts.expected) {
    reasons.push_back(fmt::format("{}: {} judgements recorded, only {} planned", facts.suite, recorded, facts.expected));
  }
  if (facts.item_errors > 0) {
    reasons.push_back(fmt::format("{}: {} of {} judgements could not be made (see `error` in journal.jsonl)", facts.suite,
                                  facts.item_errors, facts.expected));
  }
  if (facts.passing_errors > 0) {
    reasons.push_back(fmt::format("{}: {} of {} judgements failed; run the same command again to try them once more", facts.suite,
                                  facts.passing_errors, facts.expected));
  }
  check_share(facts, facts.unparsed, limits.unparsed_share, "have no verdict", reasons);
  check_share(facts, facts.truncated, limits.truncated_share, "were cut off at --max-new or the end of the context", reasons);
}

}  // namespace

SuiteFacts count_suite(const Judgements& judgements, const std::string& suite, std::int64_t expected) {
  SuiteFacts facts{.suite = suite, .expected = expected};
  for (const auto& [key, judgement] : judgements) {
    if (judgement.suite != suite) continue;
    if (judgement.error_kind == ErrorKind::item) {
      ++facts.item_errors;
    } else if (judgement.error_kind == ErrorKind::passing) {
      ++facts.passing_errors;
    } else {
      ++facts.judged;
      facts.unparsed += judgement.verdict ? 0 : 1;
      facts.truncated += judgement.finish == Finish::length ? 1 : 0;
    }
  }
  return facts;
}

std::vector<std::string> invalid_reasons(const RunFacts& facts, const ValidityLimits& limits) {
  std::vector<std::string> reasons;
  if (facts.suites.empty()) reasons.push_back("the run judged no suite");
  for (const SuiteFacts& suite : facts.suites) check_suite(suite, limits, reasons);
  for (const WrongData& data : facts.wrong_data) {
    reasons.push_back(fmt::format("{}: sha256 is {}, expected {}", data.path, data.found_sha256, data.expected_sha256));
  }
  if (facts.program.commit.empty()) {
    reasons.push_back("the program was built outside a git checkout, so no commit says what it is");
  } else if (facts.program.dirty) {
    reasons.push_back(fmt::format("the program was built with changes that are not in commit {}", facts.program.commit));
  }
  std::set<std::string> said;
  for (const ScoreRow& row : facts.rows) {
    if (row.group != "overall" || !row.low || row.n >= limits.min_items_for_interval || !said.insert(row.suite).second) continue;
    reasons.push_back(fmt::format("{}: {} items are too few for an interval, which needs {}", row.suite, row.n,
                                  limits.min_items_for_interval));
  }
  return reasons;
}

}  // namespace grm
