#include "suites/estimate.h"

#include <algorithm>
#include <set>

#include "harness/stats/intervals.h"

namespace grm {

namespace {

/// Residuals of the items around a rate, scaled so that the rate plus their mean is the rate; with the items' clusters.
struct Linearised {
  std::vector<double> values;
  std::vector<std::string> clusters;
  std::set<std::string> distinct;
};

void add(Linearised& to, const std::string& cluster, double residual) {
  to.values.push_back(residual);
  to.clusters.push_back(cluster);
  to.distinct.insert(cluster);
}

/// The clustered interval, cut at 0 and 1; Wilson's on the number of clusters where the items do not differ at all.
Estimate clustered(double value, const Linearised& items) {
  Estimate estimate;
  estimate.value = value;
  const MeanEstimate mean = clustered_mean(items.values, items.clusters);
  if (mean.interval && mean.interval->high > mean.interval->low) {
    estimate.low = std::max(0.0, value + mean.interval->low);
    estimate.high = std::min(1.0, value + mean.interval->high);
    return estimate;
  }
  const auto clusters = static_cast<std::int64_t>(items.distinct.size());
  const auto interval = wilson_interval(value * static_cast<double>(clusters), clusters);
  estimate.low = interval->low;
  estimate.high = interval->high;
  return estimate;
}

struct Sums {
  double hits = 0, trials = 0, items = 0;
};

Sums sums_of(const std::vector<Observation>& observations) {
  Sums sums;
  for (const Observation& one : observations) {
    sums.hits += one.share.hits;
    sums.trials += one.share.trials;
    sums.items += one.share.trials > 0;
  }
  return sums;
}

/// Is each item all right or all wrong, and alone in its cluster?
bool is_plain_rate(const std::vector<Observation>& observations) {
  std::set<std::string> clusters;
  double trials = 0;
  for (const Observation& one : observations) {
    if (one.share.trials <= 0) continue;
    if (trials > 0 && one.share.trials != trials) return false;
    trials = one.share.trials;
    if (one.share.hits != 0 && one.share.hits != trials) return false;
    if (!clusters.insert(one.cluster).second) return false;
  }
  return true;
}

}  // namespace

Estimate estimate_rate(const std::vector<Observation>& observations) {
  const Sums sums = sums_of(observations);
  if (sums.trials <= 0) return {};
  const double rate = sums.hits / sums.trials;
  if (is_plain_rate(observations)) {
    const auto interval = wilson_interval(rate * sums.items, static_cast<std::int64_t>(sums.items));
    return {rate, interval->low, interval->high};
  }
  Linearised items;
  for (const Observation& one : observations) {
    if (one.share.trials > 0) add(items, one.cluster, (one.share.hits - rate * one.share.trials) * sums.items / sums.trials);
  }
  return clustered(rate, items);
}

Estimate estimate_mean_of_rates(const std::vector<std::vector<Observation>>& strata) {
  double mean = 0, items = 0;
  const auto count = static_cast<double>(strata.size());
  for (const auto& stratum : strata) {
    const Sums sums = sums_of(stratum);
    if (sums.trials <= 0) return {};
    mean += sums.hits / sums.trials / count;
    items += sums.items;
  }
  Linearised all;
  for (const auto& stratum : strata) {
    const Sums sums = sums_of(stratum);
    const double rate = sums.hits / sums.trials;
    for (const Observation& one : stratum) {
      if (one.share.trials > 0) add(all, one.cluster, (one.share.hits - rate * one.share.trials) * items / (count * sums.trials));
    }
  }
  return strata.empty() ? Estimate{} : clustered(mean, all);
}

}  // namespace grm
