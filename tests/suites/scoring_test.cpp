// The scores' rules on cases worked by hand.
#include "suites/scoring.h"

#include <gtest/gtest.h>

#include <optional>

#include "harness/stats/intervals.h"

namespace grm {
namespace {

/// Adds an item's judgements: the letters as shown in ab and ba order; '-' no verdict, ' ' not judged, 'x' an error, 't' cut.
class Table {
 public:
  Table& item(const std::string& suite, const std::string& subset, const std::string& key, int label, const std::string& ab,
              const std::string& ba = "", const std::string& cluster = "") {
    add(suite, subset, key, label, Order::ab, ab, cluster);
    add(suite, subset, key, label, Order::ba, ba, cluster);
    return *this;
  }

  std::optional<ScoreRow> row(const std::string& group, const std::string& protocol, const std::string& metric,
                              ScoringSettings settings = {}) const {
    std::optional<ScoreRow> found;
    for (const ScoreRow& one : score(judgements, settings)) {
      if (one.group != group || one.protocol != protocol || one.metric != metric) continue;
      EXPECT_FALSE(found) << "twice: " << group << " " << protocol << " " << metric;
      found = one;
    }
    return found;
  }

  double value(const std::string& group, const std::string& protocol, const std::string& metric,
               ScoringSettings settings = {}) const {
    const auto found = row(group, protocol, metric, settings);
    EXPECT_TRUE(found && found->value) << group << " " << protocol << " " << metric;
    return found && found->value ? *found->value : -1;
  }

  Judgements judgements;

 private:
  void add(const std::string& suite, const std::string& subset, const std::string& key, int label, Order order,
           const std::string& letters, const std::string& cluster) {
    int sample = 0;
    for (const char letter : letters) {
      Judgement record;
      record.item = suite + "/" + key;
      record.suite = suite;
      record.subset = subset;
      record.domain = "correctness";
      record.cluster = cluster.empty() ? record.item : cluster;
      record.task = {TaskKind::pair, {0, 1}};
      record.order = order;
      record.sample = sample++;
      record.label = std::string(1, shown_letter(label, order));
      if (letter == 'A' || letter == 'B') record.verdict = std::string(1, letter);
      if (letter == 't') record.finish = Finish::length;
      if (letter == 'x') record.finish = Finish::error;
      judgements[key_of(record)] = record;
    }
  }
};

TEST(Scoring, JudgeBenchTakesTheNetOfBothOrders) {
  // Label 0: right is A in ab and B in ba.
  Table table;
  table.item("judgebench", "gpt/math", "right+right", 0, "A", "B")
      .item("judgebench", "gpt/math", "right+null", 0, "A", "-")
      .item("judgebench", "gpt/math", "null+right", 1, "-", "A")
      .item("judgebench", "gpt/math", "right+wrong", 0, "A", "A")
      .item("judgebench", "gpt/math", "null+null", 0, "-", "-")
      .item("judgebench", "gpt/coding", "wrong+null", 0, "B", "-")
      .item("judgebench", "gpt/coding", "wrong+wrong", 0, "B", "A")
      .item("judgebench", "claude/math", "right+error", 1, "B", "x");
  EXPECT_DOUBLE_EQ(table.value("gpt/math", "official", "accuracy"), 3.0 / 5);
  EXPECT_DOUBLE_EQ(table.value("gpt/coding", "official", "accuracy"), 0.0);
  EXPECT_DOUBLE_EQ(table.value("gpt", "official", "accuracy"), 3.0 / 7) << "micro over the categories";
  EXPECT_DOUBLE_EQ(table.value("claude", "official", "accuracy"), 1.0);
  EXPECT_FALSE(table.row("overall", "official", "accuracy")) << "no official score over both splits";
  // 16 judgements: right are 2 + 1 + 1 + 1 + 0 + 0 + 0 + 1.
  EXPECT_DOUBLE_EQ(table.value("overall", "pooled", "accuracy"), 6.0 / 16);
  EXPECT_DOUBLE_EQ(table.value("domain:correctness", "pooled", "accuracy"), 6.0 / 16);
  EXPECT_EQ(table.row("overall", "pooled", "accuracy")->unscored, 6);
  EXPECT_EQ(table.row("overall", "pooled", "accuracy")->n, 8);
  // Verdicts: AB, A, A, AA, none, B, BA, B: six A of ten.
  EXPECT_DOUBLE_EQ(table.value("overall", "pooled", "position_bias"), 6.0 / 10);
  EXPECT_DOUBLE_EQ(table.value("overall", "pooled", "consistency"), 2.0 / 8);
  EXPECT_DOUBLE_EQ(table.value("overall", "pooled", "both_orders_accuracy"), 1.0 / 8);
}

TEST(Scoring, LlmBarTakesTheMeanOfTheOrdersAndOfTheSets) {
  Table table;
  table.item("llmbar", "Natural", "0", 0, "A", "B").item("llmbar", "Natural", "1", 0, "A", "A")  // 2 + 1 of 4; agree, differ
      .item("llmbar", "Neighbor", "2", 1, "-", "-")  // 0; null agrees with null
      .item("llmbar", "GPTInst", "3", 1, "-", "A")  // half; null differs from a winner
      .item("llmbar", "GPTOut", "4", 1, "B", "A")
      .item("llmbar", "FairEval", "5", 0, "B", "A");  // wrong, and no part of the benchmark
  EXPECT_DOUBLE_EQ(table.value("Natural", "official", "accuracy"), 0.75);
  EXPECT_DOUBLE_EQ(table.value("Natural", "official", "agreement"), 0.5);
  EXPECT_DOUBLE_EQ(table.value("Neighbor", "official", "agreement"), 1.0);
  EXPECT_DOUBLE_EQ(table.value("GPTInst", "official", "accuracy"), 0.5);
  EXPECT_DOUBLE_EQ(table.value("GPTInst", "official", "agreement"), 0.0);
  EXPECT_FALSE(table.row("overall", "official", "accuracy")) << "Manual is missing: no mean of five";
  EXPECT_FALSE(table.row("FairEval", "official", "accuracy"));
  EXPECT_DOUBLE_EQ(table.value("FairEval", "pooled", "accuracy"), 0.0);
  table.item("llmbar", "Manual", "6", 0, "A", "B");
  EXPECT_DOUBLE_EQ(table.value("Adversarial", "official", "accuracy"), (0 + 0.5 + 1 + 1) / 4);
  EXPECT_DOUBLE_EQ(table.value("overall", "official", "accuracy"), (0.75 + 0 + 0.5 + 1 + 1) / 5);
  EXPECT_EQ(table.row("overall", "official", "accuracy")->n, 6) << "the processed set is not in it";
  EXPECT_DOUBLE_EQ(table.value("overall", "pooled", "accuracy"), 8.0 / 12);
  EXPECT_EQ(table.row("overall", "pooled", "accuracy")->n, 6);
}

TEST(Scoring, OneOrderHasItsOwnRule) {
  const ScoringSettings given{OrderMode::given, 0};
  Table table;
  table.item("judgebench", "gpt/math", "1", 0, "A")
      .item("judgebench", "gpt/math", "2", 1, "A")
      .item("judgebench", "gpt/math", "3", 1, "-");
  EXPECT_FALSE(table.row("gpt", "official", "accuracy", given));
  EXPECT_FALSE(table.row("overall", "pooled", "consistency", given));
  EXPECT_FALSE(table.row("overall", "seeded", "accuracy", given));
  EXPECT_DOUBLE_EQ(table.value("gpt", "official_one_order", "accuracy", given), 1.0 / 3);
  EXPECT_DOUBLE_EQ(table.value("overall", "pooled", "accuracy", given), 1.0 / 3);
  EXPECT_DOUBLE_EQ(table.value("overall", "pooled", "position_bias", given), 1.0);
}

TEST(Scoring, TheSeededHalfOfBothOrdersIsTheSeededRun) {
  // Always A: right in ab where label is 0, in ba where it is 1.
  Table both, seeded;
  int expected = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string key = std::to_string(i);
    both.item("judgebench", "gpt/math", key, i % 2, "A", "A");
    const Order drawn = seeded_order("judgebench/" + key, 7);
    seeded.item("judgebench", "gpt/math", key, i % 2, drawn == Order::ab ? "A" : "", drawn == Order::ba ? "A" : "");
    expected += (drawn == Order::ab) == (i % 2 == 0);
  }
  EXPECT_GT(expected, 5);
  EXPECT_LT(expected, 35);
  EXPECT_DOUBLE_EQ(both.value("gpt", "official_one_order", "accuracy", {OrderMode::both, 7}), expected / 40.0);
  EXPECT_DOUBLE_EQ(both.value("overall", "seeded", "accuracy", {OrderMode::both, 7}), expected / 40.0);
  EXPECT_DOUBLE_EQ(seeded.value("gpt", "official_one_order", "accuracy", {OrderMode::seeded, 7}), expected / 40.0);
  EXPECT_DOUBLE_EQ(seeded.value("overall", "pooled", "accuracy", {OrderMode::seeded, 7}), expected / 40.0);
  EXPECT_DOUBLE_EQ(both.value("gpt", "official", "accuracy", {OrderMode::both, 7}), 0.0);
}

TEST(Scoring, SamplesVoteAndATieIsUnscored) {
  Table table;
  table.item("judgebench", "gpt/math", "majority", 0, "AAB", "B-B").item("judgebench", "gpt/math", "tie", 0, "AB-", "---");
  EXPECT_DOUBLE_EQ(table.value("gpt", "official", "accuracy"), 0.5);
  EXPECT_DOUBLE_EQ(table.value("overall", "pooled", "accuracy"), 2.0 / 4);
  EXPECT_EQ(table.row("overall", "pooled", "accuracy")->unscored, 5) << "counts judgements";
}

TEST(Scoring, OwnPairsHaveNoOfficialRows) {
  Table table;
  table.item("file:p.jsonl", "", "1", 0, "A", "B").item("file:p.jsonl", "s", "2", 0, "t", "t");
  for (const ScoreRow& row : score(table.judgements, {})) EXPECT_FALSE(row.protocol.starts_with("official")) << row.group;
  EXPECT_DOUBLE_EQ(table.value("overall", "pooled", "accuracy"), 0.5);
  EXPECT_DOUBLE_EQ(table.value("s", "pooled", "accuracy"), 0.0);
  EXPECT_EQ(table.row("overall", "pooled", "accuracy")->truncated, 2);
  EXPECT_FALSE(table.row("s", "pooled", "position_bias"));
}

TEST(Scoring, IntervalsFitTheData) {
  Table plain;
  for (int i = 0; i < 50; ++i) plain.item("judgebench", "gpt/math", std::to_string(i), 0, i < 30 ? "A" : "B", i < 30 ? "B" : "A");
  const auto wilson = wilson_interval(30, 50);
  const auto row = plain.row("gpt", "official", "accuracy");
  EXPECT_DOUBLE_EQ(*row->low, wilson->low);
  EXPECT_DOUBLE_EQ(*row->high, wilson->high);
  Table clustered;
  for (int i = 0; i < 50; ++i) {
    clustered.item("judgebench", "gpt/math", std::to_string(i), 0, i < 30 ? "A" : "B", i < 30 ? "B" : "A", std::to_string(i / 5));
  }
  const auto wide = clustered.row("gpt", "official", "accuracy");
  EXPECT_GT(*wide->high - *wide->low, 1.8 * (*row->high - *row->low)) << "ten prompts say less than fifty";
  Table same;
  for (int i = 0; i < 10; ++i) same.item("judgebench", "gpt/math", std::to_string(i), 0, "A", "B", "one");
  const auto one = same.row("gpt", "official", "accuracy");
  EXPECT_LT(*one->low, 0.3) << "one prompt, right: Wilson on one cluster";
  EXPECT_DOUBLE_EQ(*one->high, 1.0);
}

TEST(Scoring, NothingJudgedIsNoRow) { EXPECT_TRUE(score({}, {}).empty()); }

TEST(Scoring, NoVerdictAtAllLeavesBiasUndefined) {
  Table table;
  table.item("judgebench", "gpt/math", "1", 0, "-", "-");
  const auto row = table.row("overall", "pooled", "position_bias");
  ASSERT_TRUE(row);
  EXPECT_FALSE(row->value);
  EXPECT_FALSE(row->low);
}

}  // namespace
}  // namespace grm
