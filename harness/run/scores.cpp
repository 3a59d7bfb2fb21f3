#include "harness/run/scores.h"

#include <fmt/format.h>

#include <cmath>

#include "harness/error.h"
#include "harness/run/json_fields.h"

namespace grm {
namespace {

using nlohmann::json;

json or_null(const std::optional<double>& value) { return value ? json(*value) : json(nullptr); }

/// What is wrong with a row, empty if nothing.
std::string fault_of(const ScoreRow& row) {
  for (const auto& number : {row.value, row.low, row.high}) {
    if (number && !std::isfinite(*number)) return "a number is NaN or infinite";
  }
  if (row.n < 0 || row.unscored < 0 || row.truncated < 0) return "a negative count";
  if (row.low.has_value() != row.high.has_value()) return "an interval with one end";
  // An interval may end at its value; rounding must not make that an error.
  const double slack = 1e-9;
  if (row.low && (!row.value || *row.low > *row.value + slack || *row.high < *row.value - slack)) return "an interval without its value";
  return {};
}

void check(const Scores& scores, const std::string& place) {
  if (scores.valid != scores.reasons.empty()) throw UserError(fmt::format("{}: valid and reasons contradict each other", place));
  for (const ScoreRow& row : scores.rows) {
    if (const std::string fault = fault_of(row); !fault.empty()) {
      throw UserError(fmt::format("{}: row {} {} {} {}: {}", place, row.suite, row.group, row.protocol, row.metric, fault));
    }
  }
}

}  // namespace

json to_json(const Scores& scores) {
  json rows = json::array();
  for (const ScoreRow& row : scores.rows) {
    rows.push_back({{"suite", row.suite},
                    {"group", row.group},
                    {"protocol", row.protocol},
                    {"metric", row.metric},
                    {"n", row.n},
                    {"value", or_null(row.value)},
                    {"low", or_null(row.low)},
                    {"high", or_null(row.high)},
                    {"unscored", row.unscored},
                    {"truncated", row.truncated}});
  }
  return {{"valid", scores.valid}, {"reasons", scores.reasons}, {"rows", std::move(rows)}};
}

Scores scores_from_json(const json& object, const std::string& place) {
  JsonFields fields(object, place);
  fields.ignore("schema");
  Scores scores;
  scores.valid = fields.get<bool>("valid");
  scores.reasons = fields.get_list<std::string>("reasons");
  const json& rows = fields.at("rows");
  if (!rows.is_array()) fields.wrong("rows", "a list", rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    JsonFields row(rows[i], fmt::format("{}: rows[{}]", place, i));
    ScoreRow& score = scores.rows.emplace_back();
    score.suite = row.get<std::string>("suite");
    score.group = row.get<std::string>("group");
    score.protocol = row.get<std::string>("protocol");
    score.metric = row.get<std::string>("metric");
    score.n = row.get<std::int64_t>("n");
    score.value = row.get_optional<double>("value");
    score.low = row.get_optional<double>("low");
    score.high = row.get_optional<double>("high");
    score.unscored = row.get<std::int64_t>("unscored");
    score.truncated = row.get<std::int64_t>("truncated");
    row.refuse_unknown();
  }
  fields.refuse_unknown();
  check(scores, place);
  return scores;
}

Scores read_scores(const std::filesystem::path& path) {
  return scores_from_json(read_json_file(path, kScoresSchema), path.string());
}

void write_scores(const std::filesystem::path& path, const Scores& scores) {
  check(scores, path.string());
  write_json_file(path, kScoresSchema, to_json(scores));
}

}  // namespace grm
