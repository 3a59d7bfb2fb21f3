// From the journal to scores: the benchmarks' official rules and the pooled accuracy beside each other. Needs no items and
// no model, so a run can be scored again at any time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/journal.h"
#include "harness/run/scores.h"
#include "suites/presentation.h"

namespace grm {

struct ScoringSettings {
  OrderMode order = OrderMode::both;
  std::uint64_t order_seed = 0;
};

/// One item with what was said of it, votes over its samples taken. Answers are counted 0 and 1 as given.
struct ScoredItem {
  std::string id, suite, subset, cluster;
  std::optional<std::string> domain;
  int label = 0;
  /// By order (ab, ba): the answer that the majority of the samples named. Nothing where the order was not shown; in it,
  /// nothing where no verdict was given or the vote was tied.
  std::array<std::optional<std::optional<int>>, 2> choice;
  std::int64_t unscored = 0;   ///< judgements without a verdict
  std::int64_t truncated = 0;  ///< judgements cut at the limit of new tokens
};

/// The pair judgements of a journal by item, in the order of suites and ids.
std::vector<ScoredItem> collect_items(const Judgements& judgements);

/// All rows of a run, suite by suite. The rules stand in suites/README.md.
std::vector<ScoreRow> score(const Judgements& judgements, const ScoringSettings& settings);

}  // namespace grm
