// scores.json: what a run's journal comes to. Derived, and written again from the journal at any time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/json_file.h"

namespace grm {

inline constexpr Schema kScoresSchema{"grm.scores", 1};

/// One number of a table. Rates are fractions of 1.
struct ScoreRow {
  std::string suite;
  std::string group;     // overall, a section, a subset, or domain:preference and domain:correctness
  std::string protocol;  // from the closed lists in suites/README.md
  std::string metric;
  std::int64_t n = 0;            // items
  std::optional<double> value;   // absent: not defined on these items
  std::optional<double> low;     // 95 % interval; absent: none is claimed
  std::optional<double> high;
  std::int64_t unscored = 0;   // judgements without a verdict
  std::int64_t truncated = 0;  // judgements that ended at their length limit
};

struct Scores {
  bool valid = false;
  std::vector<std::string> reasons;  // why not; empty when valid
  std::vector<ScoreRow> rows;
};

nlohmann::json to_json(const Scores& scores);
Scores scores_from_json(const nlohmann::json& object, const std::string& place);
Scores read_scores(const std::filesystem::path& path);
/// Throws UserError on a number that is not finite, an interval of one end or that does not hold its value.
void write_scores(const std::filesystem::path& path, const Scores& scores);

}  // namespace grm
