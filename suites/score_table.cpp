#include <fmt/format.h>

#include "harness/ui/table.h"
#include "suites/run_scores.h"

namespace grm {

namespace {

std::string percent(const std::optional<double>& rate) { return rate ? fmt::format("{:.1f}", 100 * *rate) : "-"; }

std::vector<std::string> cells(const ScoreRow& row) {
  return {row.suite,
          row.group,
          row.protocol,
          row.metric,
          std::to_string(row.n),
          percent(row.value),
          row.low ? fmt::format("{} to {}", percent(row.low), percent(row.high)) : "",
          std::to_string(row.unscored),
          std::to_string(row.truncated)};
}

}  // namespace

std::string score_table(const Scores& scores) {
  Table table;
  for (const char* title : {"suite", "group", "protocol", "metric"}) table.columns.push_back({title});
  for (const char* title : {"n", "%", "95 % interval", "unscored", "truncated"}) table.columns.push_back({title, Align::right});
  for (const ScoreRow& row : scores.rows) table.rows.push_back(cells(row));
  std::string text = text_table(table) + (scores.valid ? "VALID\n" : "INVALID\n");
  for (const std::string& reason : scores.reasons) text += "  " + reason + "\n";
  return text;
}

}  // namespace grm
