// VALID or INVALID: whether a run's numbers may be quoted. Plain facts in, reasons out; no reason means valid.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/run/journal.h"
#include "harness/run/provenance.h"
#include "harness/run/scores.h"

namespace grm {

/// Shares are of judgements. The limits belong to the effective settings of a run.
struct ValidityLimits {
  double unparsed_share = 0.05;
  double truncated_share = 0.05;
  /// Below this the intervals, which lean on the normal distribution, are not trusted (Miller 2024, section 2).
  std::int64_t min_items_for_interval = 30;
};

/// One suite of a run, counted from its journal.
struct SuiteFacts {
  std::string suite;
  std::int64_t expected = 0;  // judgements planned
  std::int64_t judged = 0;    // recorded, finish stop or length
  std::int64_t item_errors = 0;     // recorded as an item that cannot be judged
  std::int64_t passing_errors = 0;  // recorded as failed for a reason that may pass
  std::int64_t unparsed = 0;        // judged and without a verdict
  std::int64_t truncated = 0;       // judged and ended at the length limit
};
/// Counts the records of `suite`. `expected` is the caller's: the journal cannot know what is missing from it.
SuiteFacts count_suite(const Judgements& judgements, const std::string& suite, std::int64_t expected);

/// A file whose content is not what the suite was made for.
struct WrongData {
  std::string path;
  std::string expected_sha256;
  std::string found_sha256;
};

struct RunFacts {
  std::vector<SuiteFacts> suites;
  std::vector<WrongData> wrong_data;
  BuildInfo program;
  std::vector<ScoreRow> rows;  // of group overall: the intervals claimed
};

std::vector<std::string> invalid_reasons(const RunFacts& facts, const ValidityLimits& limits);

}  // namespace grm
