#include "suites/scoring.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "suites/estimate.h"

namespace grm {

namespace {

using Group = std::vector<const ScoredItem*>;
/// What an item adds to a rate: a share `hits` of `trials`; no trials where it does not take part.
using Metric = std::function<Share(const ScoredItem&)>;

const std::vector<std::string> kAdversarial = {"Neighbor", "GPTInst", "GPTOut", "Manual"};
const std::vector<std::string> kLlmBar = {"Natural", "Neighbor", "GPTInst", "GPTOut", "Manual"};

bool right(const ScoredItem& item, Order order) {
  const auto& choice = item.choice[static_cast<std::size_t>(order)];
  return choice && *choice == item.label;
}

bool shown(const ScoredItem& item, Order order) { return item.choice[static_cast<std::size_t>(order)].has_value(); }

bool shown_twice(const ScoredItem& item) { return shown(item, Order::ab) && shown(item, Order::ba); }

/// The verdict of an order; none where there is none or the order was not shown.
std::optional<int> verdict(const ScoredItem& item, Order order) {
  return item.choice[static_cast<std::size_t>(order)].value_or(std::nullopt);
}

Share pooled_accuracy(const ScoredItem& item) {
  Share share;
  for (const Order order : {Order::ab, Order::ba}) {
    share.trials += shown(item, order);
    share.hits += right(item, order);
  }
  return share;
}

/// JudgeBench, both orders: +1 for a verdict equal to the label, -1 for its opposite, 0 for none; right if the sum is positive.
Share net_accuracy(const ScoredItem& item) {
  int net = 0;
  for (const Order order : {Order::ab, Order::ba}) {
    if (const auto choice = verdict(item, order)) net += *choice == item.label ? 1 : -1;
  }
  return {net > 0 ? 1.0 : 0.0, 1.0};
}

/// LLMBar: the mean of the two orders' accuracies.
Share mean_of_orders(const ScoredItem& item) { return {0.5 * (right(item, Order::ab) + right(item, Order::ba)), 1.0}; }

/// LLMBar's positional agreement: the same winner in both orders; no winner twice agrees.
Share agreement(const ScoredItem& item) { return {verdict(item, Order::ab) == verdict(item, Order::ba) ? 1.0 : 0.0, 1.0}; }

Share position_bias(const ScoredItem& item) {
  Share share;
  for (const Order order : {Order::ab, Order::ba}) {
    const auto choice = verdict(item, order);
    share.trials += choice.has_value();
    share.hits += choice && shown_letter(*choice, order) == 'A';
  }
  return share;
}

Share consistency(const ScoredItem& item) {
  if (!shown_twice(item)) return {};
  const auto choice = verdict(item, Order::ab);
  return {choice && choice == verdict(item, Order::ba) ? 1.0 : 0.0, 1.0};
}

Share both_orders_accuracy(const ScoredItem& item) {
  if (!shown_twice(item)) return {};
  return {right(item, Order::ab) && right(item, Order::ba) ? 1.0 : 0.0, 1.0};
}

/// Accuracy in one order: the only one shown, or the seeded draw's.
Metric one_order_accuracy(const ScoringSettings& settings) {
  return [settings](const ScoredItem& item) -> Share {
    const Order drawn = settings.order == OrderMode::given ? Order::ab : seeded_order(item.id, settings.order_seed);
    return {right(item, drawn) ? 1.0 : 0.0, 1.0};
  };
}

/// The sets of LLMBar that are the benchmark; its repository's processed sets are not.
bool is_official(const ScoredItem& item) {
  return item.suite != "llmbar" || std::find(kLlmBar.begin(), kLlmBar.end(), item.subset) != kLlmBar.end();
}

/// Makes the rows of one suite.
class SuiteRows {
 public:
  SuiteRows(std::string suite, const Group& items, const ScoringSettings& settings, std::vector<ScoreRow>& rows)
      : suite_(std::move(suite)), settings_(settings), rows_(rows) {
    for (const ScoredItem* item : items) {
      if (!item->subset.empty()) subsets_[item->subset].push_back(item);
      const std::size_t slash = item->subset.find('/');
      if (slash != std::string::npos) sections_[item->subset.substr(0, slash)].push_back(item);
      if (!is_official(*item)) continue;
      overall_.push_back(item);
      if (item->domain) domains_["domain:" + *item->domain].push_back(item);
    }
  }

  void make() {
    if (suite_ == "judgebench") judgebench();
    if (suite_ == "llmbar") llmbar();
    pooled();
  }

 private:
  void add(const std::string& group, const char* protocol, const char* metric, const Group& items, const Metric& value) {
    std::vector<Observation> observations;
    for (const ScoredItem* item : items) observations.push_back({item->cluster, value(*item)});
    add_row(group, protocol, metric, items, estimate_rate(observations));
  }

  void add_row(const std::string& group, const char* protocol, const char* metric, const Group& items, const Estimate& estimate) {
    ScoreRow row;
    row.suite = suite_;
    row.group = group;
    row.protocol = protocol;
    row.metric = metric;
    row.n = static_cast<std::int64_t>(items.size());
    row.value = estimate.value;
    row.low = estimate.low;
    row.high = estimate.high;
    for (const ScoredItem* item : items) {
      row.unscored += item->unscored;
      row.truncated += item->truncated;
    }
    rows_.push_back(row);
  }

  /// Each split and its categories; overall is micro within a split, and there is no score over both.
  void judgebench() {
    const bool both = settings_.order == OrderMode::both;
    for (const auto& groups : {sections_, subsets_}) {
      for (const auto& [group, items] : groups) {
        if (both) add(group, "official", "accuracy", items, net_accuracy);
        add(group, "official_one_order", "accuracy", items, one_order_accuracy(settings_));
      }
    }
  }

  void llmbar() {
    const bool both = settings_.order == OrderMode::both;
    if (both) means("official", "accuracy", mean_of_orders);
    if (both) means("official", "agreement", agreement);
    means("official_one_order", "accuracy", one_order_accuracy(settings_));
  }

  /// LLMBar's table: its five sets, the plain mean of the four adversarial ones, the plain mean of all five.
  void means(const char* protocol, const char* metric, const Metric& value) {
    for (const std::string& set : kLlmBar) {
      if (subsets_.contains(set)) add(set, protocol, metric, subsets_.at(set), value);
    }
    mean_of_sets("Adversarial", kAdversarial, protocol, metric, value);
    mean_of_sets("overall", kLlmBar, protocol, metric, value);
  }

  void mean_of_sets(const char* group, const std::vector<std::string>& sets, const char* protocol, const char* metric,
                    const Metric& value) {
    std::vector<std::vector<Observation>> strata;
    Group all;
    for (const std::string& set : sets) {
      if (!subsets_.contains(set)) return;
      strata.emplace_back();
      for (const ScoredItem* item : subsets_.at(set)) {
        strata.back().push_back({item->cluster, value(*item)});
        all.push_back(item);
      }
    }
    add_row(group, protocol, metric, all, estimate_mean_of_rates(strata));
  }

  void pooled() {
    if (!overall_.empty()) of_presentation("overall", overall_);
    if (!overall_.empty() && settings_.order == OrderMode::both) {
      add("overall", "seeded", "accuracy", overall_, one_order_accuracy(settings_));
    }
    for (const auto& [group, items] : domains_) add(group, "pooled", "accuracy", items, pooled_accuracy);
    for (const auto& [group, items] : sections_) of_presentation(group, items);
    for (const auto& [group, items] : subsets_) add(group, "pooled", "accuracy", items, pooled_accuracy);
  }

  /// Accuracy with what the order of the answers does to it.
  void of_presentation(const std::string& group, const Group& items) {
    add(group, "pooled", "accuracy", items, pooled_accuracy);
    add(group, "pooled", "position_bias", items, position_bias);
    if (settings_.order != OrderMode::both) return;
    add(group, "pooled", "consistency", items, consistency);
    add(group, "pooled", "both_orders_accuracy", items, both_orders_accuracy);
  }

  std::string suite_;
  const ScoringSettings& settings_;
  std::vector<ScoreRow>& rows_;
  std::map<std::string, Group> subsets_, sections_, domains_;
  Group overall_;
};

/// The majority of the answers named; nothing where none was named or two are level.
std::optional<int> vote(const std::vector<std::optional<int>>& named) {
  const auto first = std::count(named.begin(), named.end(), std::optional<int>(0));
  const auto second = std::count(named.begin(), named.end(), std::optional<int>(1));
  if (first == second) return std::nullopt;
  return first > second ? 0 : 1;
}

}  // namespace

std::vector<ScoredItem> collect_items(const Judgements& judgements) {
  struct Gathered {
    ScoredItem item;
    std::array<std::vector<std::optional<int>>, 2> named;
  };
  std::map<std::pair<std::string, std::string>, Gathered> gathered;
  for (const auto& [key, judgement] : judgements) {
    if (judgement.task.kind != TaskKind::pair || !judgement.label) continue;
    Gathered& one = gathered[{judgement.suite, judgement.item}];
    one.item.id = judgement.item;
    one.item.suite = judgement.suite;
    one.item.subset = judgement.subset;
    one.item.cluster = judgement.cluster;
    one.item.domain = judgement.domain;
    one.item.label = shown_answer(judgement.label->front(), judgement.order);
    one.item.unscored += !judgement.verdict;
    one.item.truncated += judgement.finish == Finish::length;
    one.named[static_cast<std::size_t>(judgement.order)].push_back(
        judgement.verdict ? std::optional<int>(shown_answer(judgement.verdict->front(), judgement.order)) : std::nullopt);
  }
  std::vector<ScoredItem> items;
  for (auto& [unused, one] : gathered) {
    for (std::size_t order = 0; order < 2; ++order) {
      if (!one.named[order].empty()) one.item.choice[order] = vote(one.named[order]);
    }
    items.push_back(std::move(one.item));
  }
  return items;
}

std::vector<ScoreRow> score(const Judgements& judgements, const ScoringSettings& settings) {
  const std::vector<ScoredItem> items = collect_items(judgements);
  std::map<std::string, Group> suites;
  for (const ScoredItem& item : items) suites[item.suite].push_back(&item);
  std::vector<ScoreRow> rows;
  for (const auto& [suite, group] : suites) SuiteRows(suite, group, settings, rows).make();
  return rows;
}

}  // namespace grm
