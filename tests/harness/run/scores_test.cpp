#include "harness/run/scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "harness/error.h"
#include "harness/run/validity.h"
#include "tests/harness/run/example_judgement.h"
#include "tests/temporary_folder.h"

namespace grm {

using test::TemporaryFolder;
using test::slurp;
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ScoreRow row(std::int64_t n = 100) { return {"toy", "overall", "pooled", "accuracy", n, 0.75, 0.7, 0.8, 1, 2}; }

TEST(Scores, RoundTripAndSameBytes) {
  const TemporaryFolder folder;
  Scores scores{.valid = false, .reasons = {"toy: 1 of 3 judgements are missing"}, .rows = {row()}};
  scores.rows.push_back({"toy", "hard", "pooled", "accuracy", 0, {}, {}, {}, 0, 0});
  write_scores(folder / "a", scores);
  const Scores read = read_scores(folder / "a");
  EXPECT_EQ(to_json(read), to_json(scores));
  EXPECT_EQ(read.rows[1].value, std::nullopt);
  write_scores(folder / "b", read);
  EXPECT_EQ(slurp(folder / "a"), slurp(folder / "b"));
}

TEST(Scores, RefusesNumbersThatCannotBe) {
  const TemporaryFolder folder;
  const auto refused = [&](auto&& change) {
    Scores scores{.valid = true, .reasons = {}, .rows = {row()}};
    change(scores);
    EXPECT_THROW(write_scores(folder / "s", scores), UserError);
  };
  refused([](Scores& s) { s.rows[0].value = std::numeric_limits<double>::quiet_NaN(); });
  refused([](Scores& s) { s.rows[0].low.reset(); });
  refused([](Scores& s) { s.rows[0].low = 0.76; });
  refused([](Scores& s) { s.rows[0].value.reset(); });
  refused([](Scores& s) { s.rows[0].n = -1; });
  refused([](Scores& s) { s.valid = false; });
  refused([](Scores& s) { s.reasons = {"x"}; });
  EXPECT_FALSE(std::filesystem::exists(folder / "s"));
}

RunFacts good_facts() {
  RunFacts facts;
  facts.suites = {{.suite = "toy", .expected = 100, .judged = 100}};
  facts.program = {.version = "1", .commit = std::string(40, 'a'), .dirty = false, .build_type = "Release", .compiler = "GNU"};
  facts.rows = {row()};
  return facts;
}

TEST(Validity, NothingWrongIsValid) {
  EXPECT_THAT(invalid_reasons(good_facts(), {}), IsEmpty());
  RunFacts at_the_limit = good_facts();
  at_the_limit.suites[0].unparsed = 5;
  at_the_limit.suites[0].truncated = 5;
  at_the_limit.rows = {row(30)};
  EXPECT_THAT(invalid_reasons(at_the_limit, {}), IsEmpty());
}

TEST(Validity, EachRuleHasItsReason) {
  const auto reasons = [](auto&& change) {
    RunFacts facts = good_facts();
    change(facts);
    return invalid_reasons(facts, {});
  };
  EXPECT_THAT(reasons([](RunFacts& f) { f.suites[0].judged = 97; }), ElementsAre("toy: 3 of 100 judgements are missing"));
  EXPECT_THAT(reasons([](RunFacts& f) { f.suites[0].judged = 101; }), ElementsAre(HasSubstr("only 100 planned")));
  EXPECT_THAT(reasons([](RunFacts& f) { f.suites[0] = {.suite = "toy"}; }), ElementsAre("toy: no items"));
  EXPECT_THAT(reasons([](RunFacts& f) { f.suites.clear(); }), ElementsAre(HasSubstr("no suite")));
  EXPECT_THAT(reasons([](RunFacts& f) { f.suites[0].unparsed = 6; }), ElementsAre("toy: 6 of 100 judgements have no verdict (6.0 %), more than the limit of 5.0 %"));
  EXPECT_THAT(reasons([](RunFacts& f) { f.suites[0].truncated = 6; }), ElementsAre(HasSubstr("cut off")));
  EXPECT_THAT(reasons([](RunFacts& f) { f.suites[0].judged = 98, f.suites[0].item_errors = 2; }), ElementsAre(HasSubstr("could not be made")));
  EXPECT_THAT(reasons([](RunFacts& f) { f.suites[0].judged = 98, f.suites[0].passing_errors = 2; }), ElementsAre(HasSubstr("run the same command again")));
  EXPECT_THAT(reasons([](RunFacts& f) { f.wrong_data = {{"a.jsonl", "11", "22"}}; }), ElementsAre("a.jsonl: sha256 is 22, expected 11"));
  EXPECT_THAT(reasons([](RunFacts& f) { f.program.commit.clear(); }), ElementsAre(HasSubstr("outside a git checkout")));
  EXPECT_THAT(reasons([](RunFacts& f) { f.program.dirty = true; }), ElementsAre(HasSubstr("not in commit")));
  EXPECT_THAT(reasons([](RunFacts& f) { f.rows = {row(29), row(29)}; }), ElementsAre("toy: 29 items are too few for an interval, which needs 30"));
  EXPECT_THAT(reasons([](RunFacts& f) { f.rows = {row(5)}, f.rows[0].low.reset(), f.rows[0].high.reset(); }), IsEmpty());
}

TEST(Validity, CountsTheJournal) {
  Judgements judgements;
  const auto add = [&](Judgement j) { judgements.emplace(key_of(j), j); };
  for (int i = 0; i < 14; ++i) add(example_judgement(i));  // 0 and 7 have no verdict and were cut off
  Judgement failed = example_judgement(20);
  failed.error_kind = ErrorKind::passing;
  failed.finish = Finish::error;
  add(failed);
  failed = example_judgement(21);
  failed.error_kind = ErrorKind::item;
  failed.finish = Finish::error;
  add(failed);
  Judgement other = example_judgement(22);
  other.suite = "other";
  add(other);
  const SuiteFacts facts = count_suite(judgements, "toy", 17);
  EXPECT_EQ(facts.expected, 17);
  EXPECT_EQ(facts.judged, 14);
  EXPECT_EQ(facts.unparsed, 2);
  EXPECT_EQ(facts.truncated, 2);
  EXPECT_EQ(facts.passing_errors, 1);
  EXPECT_EQ(facts.item_errors, 1);
}

}  // namespace
}  // namespace grm
