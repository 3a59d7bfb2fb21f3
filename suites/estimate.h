// A rate over items with its 95 % interval: what the rows of a score table are made of.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace grm {

/// What one item adds to a rate.
struct Share {
  double hits = 0;
  double trials = 0;  ///< 0: the item takes no part
};

struct Observation {
  std::string cluster;  ///< items of one cluster are not independent
  Share share;
};

struct Estimate {
  std::optional<double> value, low, high;  ///< nothing where no item takes part
};

/// Sum of hits over sum of trials. Wilson's interval where each item is one trial, hit or not, and a cluster of its own;
/// else a clustered one.
Estimate estimate_rate(const std::vector<Observation>& observations);

/// The plain mean of the strata's rates, each weighing the same whatever its size. Nothing where one stratum is empty.
Estimate estimate_mean_of_rates(const std::vector<std::vector<Observation>>& strata);

}  // namespace grm
