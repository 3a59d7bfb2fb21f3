#include "harness/stats/intervals.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cassert>
#include <cmath>
#include <map>
#include <string_view>

namespace grm {
namespace {

double sum_of(std::span<const double> values) {
  // Neumaier's compensated sum: the result hardly depends on the order of the items.
  double sum = 0;
  double lost = 0;
  for (const double value : values) {
    const double next = sum + value;
    lost += std::abs(sum) >= std::abs(value) ? (sum - next) + value : (value - next) + sum;
    sum = next;
  }
  return sum + lost;
}

/// From the sums of squared cluster residuals to error and interval.
MeanEstimate finish(double mean, std::int64_t n, std::int64_t clusters, double squares, double confidence) {
  MeanEstimate estimate{.mean = mean, .n = n, .clusters = clusters, .standard_error = {}, .interval = {}};
  if (clusters < 2) return estimate;
  const double c = static_cast<double>(clusters);
  const double error = std::sqrt(squares * c / (c - 1)) / static_cast<double>(n);
  const boost::math::students_t distribution(c - 1);
  const double reach = error * boost::math::quantile(boost::math::complement(distribution, (1 - confidence) / 2));
  estimate.standard_error = error;
  estimate.interval = Interval{mean - reach, mean + reach};
  return estimate;
}

}  // namespace

std::optional<Interval> wilson_interval(double successes, std::int64_t n, double confidence) {
  assert(confidence > 0 && confidence < 1);
  assert(n >= 0 && successes >= 0 && successes <= static_cast<double>(n));
  if (n == 0) return std::nullopt;
  const double z = boost::math::quantile(boost::math::complement(boost::math::normal(), (1 - confidence) / 2));
  const double count = static_cast<double>(n);
  const double rate = successes / count;
  const double scale = 1 + z * z / count;
  const double centre = (rate + z * z / (2 * count)) / scale;
  const double reach = z * std::sqrt(rate * (1 - rate) / count + z * z / (4 * count * count)) / scale;
  // At the ends the bound is exactly 0 or 1; rounding must not move it past the rate.
  return Interval{successes == 0 ? 0.0 : std::max(0.0, centre - reach), successes == count ? 1.0 : std::min(1.0, centre + reach)};
}

MeanEstimate clustered_mean(std::span<const double> values, std::span<const std::string> clusters, double confidence) {
  assert(!values.empty() && values.size() == clusters.size());
  const auto n = static_cast<std::int64_t>(values.size());
  const double mean = sum_of(values) / static_cast<double>(n);
  std::map<std::string_view, double> residuals;
  for (std::size_t i = 0; i < values.size(); ++i) residuals[clusters[i]] += values[i] - mean;
  double squares = 0;
  for (const auto& [cluster, residual] : residuals) squares += residual * residual;
  return finish(mean, n, static_cast<std::int64_t>(residuals.size()), squares, confidence);
}

MeanEstimate plain_mean(std::span<const double> values, double confidence) {
  assert(!values.empty());
  const auto n = static_cast<std::int64_t>(values.size());
  const double mean = sum_of(values) / static_cast<double>(n);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return finish(mean, n, n, squares, confidence);
}

}  // namespace grm
