#include "suites/run_scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/error.h"
#include "harness/run/json_fields.h"
#include "suites/scoring.h"

namespace grm {

namespace {

using nlohmann::json;

/// Position of the longer answer as shown: 1, 0, or half of each where the lengths are equal (in the mean over the coin).
double longer_is_first(const Item& item, Order order) {
  const auto [first, second] = shown_answers(order);
  const std::size_t a = code_points(item.answers[static_cast<std::size_t>(first)]);
  const std::size_t b = code_points(item.answers[static_cast<std::size_t>(second)]);
  return a == b ? 0.5 : a > b ? 1.0 : 0.0;
}

/// How many judgements of these items a baseline gets right, expected over its coins.
json trivial_baselines(const std::vector<const Item*>& items, const Presenting& presenting) {
  double first = 0, longer = 0, all = 0;
  for (const Item* item : items) {
    for (const Order order : orders_of(presenting.order, item->id, presenting.order_seed)) {
      const double label_is_first = shown_letter(item->label, order) == 'A' ? 1.0 : 0.0;
      const double choice = longer_is_first(*item, order);
      first += label_is_first;
      longer += choice * label_is_first + (1 - choice) * (1 - label_is_first);
      all += 1;
    }
  }
  return {{"items", items.size()}, {"first", first / all}, {"second", 1 - first / all},
          {"longer", longer / all}, {"shorter", 1 - longer / all}, {"random", 0.5}};
}

std::vector<ScoreRow> baseline_rows(const std::string& suite, const json& settings, const std::string& place) {
  std::vector<ScoreRow> rows;
  JsonFields groups(settings, place);
  for (const auto& [group, unused] : settings.items()) {
    JsonFields rates = groups.object(group);
    for (const char* name : {"first", "second", "longer", "shorter", "random"}) {
      ScoreRow row;
      row.suite = suite;
      row.group = group;
      row.protocol = std::string("baseline:") + name;
      row.metric = "accuracy";
      row.n = rates.get<std::int64_t>("items");
      row.value = rates.get<double>(name);
      rows.push_back(row);
    }
  }
  return rows;
}

ValidityLimits read_limits(JsonFields fields) {
  ValidityLimits limits;
  limits.unparsed_share = fields.get<double>("unparsed_share");
  limits.truncated_share = fields.get<double>("truncated_share");
  limits.min_items_for_interval = fields.get<std::int64_t>("min_items_for_interval");
  return limits;
}

}  // namespace

json suite_settings(const Suite& suite, const Presenting& presenting) {
  std::map<std::string, std::vector<const Item*>> groups;
  std::int64_t judgements = 0;
  for (const Item& item : suite.items) {
    judgements += (presenting.order == OrderMode::both ? 2 : 1) * presenting.samples;
    if (item.official) groups["overall"].push_back(&item);
    const std::size_t slash = item.subset.find('/');
    if (slash != std::string::npos) groups[item.subset.substr(0, slash)].push_back(&item);
  }
  json trivial = json::object();
  for (const auto& [group, items] : groups) trivial[group] = trivial_baselines(items, presenting);
  return {{"items", suite.items.size()}, {"judgements", judgements}, {"departures", suite.departures},
          {"trivial_baselines", trivial}};
}

Scores score_run(const Manifest& manifest, const Judgements& judgements) {
  JsonFields effective(manifest.effective, "manifest: effective");
  Scores scores;
  RunFacts facts;
  facts.program = manifest.program;
  std::vector<std::string> departures;
  scores.rows = score(judgements, {parse_order_mode(effective.get<std::string>("order")), manifest.seeds.order});
  facts.rows = scores.rows;
  JsonFields suites = effective.object("suites");
  for (const auto& [name, unused] : manifest.effective.at("suites").items()) {
    JsonFields suite = suites.object(name);
    facts.suites.push_back(count_suite(judgements, name, suite.get<std::int64_t>("judgements")));
    for (const std::string& departure : suite.get_list<std::string>("departures")) departures.push_back(departure);
    const auto rows = baseline_rows(name, suite.at("trivial_baselines"), suite.place("trivial_baselines"));
    scores.rows.insert(scores.rows.end(), rows.begin(), rows.end());
  }
  std::stable_sort(scores.rows.begin(), scores.rows.end(),
                   [](const ScoreRow& a, const ScoreRow& b) { return a.suite < b.suite; });
  scores.reasons = invalid_reasons(facts, read_limits(effective.object("validity")));
  scores.reasons.insert(scores.reasons.end(), departures.begin(), departures.end());
  scores.valid = scores.reasons.empty();
  return scores;
}

}  // namespace grm
