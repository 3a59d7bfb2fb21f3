#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "suites/run_scores.h"

namespace grm {

namespace {

constexpr std::size_t kColumns = 9;
using Line = std::array<std::string, kColumns>;

std::string percent(const std::optional<double>& rate) { return rate ? fmt::format("{:.1f}", 100 * *rate) : "-"; }

Line line_of(const ScoreRow& row) {
  const std::string interval = row.low ? fmt::format("{} to {}", percent(row.low), percent(row.high)) : "";
  return {row.suite, row.group, row.protocol, row.metric, std::to_string(row.n), percent(row.value), interval, std::to_string(row.unscored),
          std::to_string(row.truncated)};
}

}  // namespace

std::string score_table(const Scores& scores) {
  std::vector<Line> lines = {{"suite", "group", "protocol", "metric", "n", "%", "95 % interval", "unscored", "truncated"}};
  for (const ScoreRow& row : scores.rows) lines.push_back(line_of(row));
  std::array<std::size_t, kColumns> width{};
  for (const Line& line : lines) {
    for (std::size_t i = 0; i < kColumns; ++i) width[i] = std::max(width[i], line[i].size());
  }
  std::string table;
  for (const Line& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < kColumns; ++i) {
      text += i < 4 ? fmt::format("{:<{}}  ", line[i], width[i]) : fmt::format("{:>{}}  ", line[i], width[i]);
    }
    table += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  }
  table += scores.valid ? "VALID\n" : "INVALID\n";
  for (const std::string& reason : scores.reasons) table += "  " + reason + "\n";
  return table;
}

}  // namespace grm
