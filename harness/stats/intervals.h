// Intervals for one number. Formulas by their source; distributions from Boost.Math.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace grm {

struct Interval {
  double low = 0;
  double high = 0;
};

/// Score interval for a rate (Wilson 1927, JASA 22:209, without continuity correction): `successes` of `n`, which may be
/// fractional where each of the n items is a mean over orders or samples. Nothing when n is 0.
/// Asserts 0 <= successes <= n and 0 < confidence < 1.
std::optional<Interval> wilson_interval(double successes, std::int64_t n, double confidence = 0.95);

/// A mean with its standard error.
struct MeanEstimate {
  double mean = 0;
  std::int64_t n = 0;
  std::int64_t clusters = 0;
  std::optional<double> standard_error;  // absent with fewer than two clusters
  std::optional<Interval> interval;      // Student's t with clusters - 1 degrees of freedom; not cut at 0 or 1
};

/// Items of one cluster (they share a prompt) may err together. Variance by sums of residuals per cluster, as in Miller
/// 2024, "Adding Error Bars to Evals" (arXiv 2411.00640), section 2.2, times C / (C - 1) for a finite number C of clusters,
/// as inspect_ai does. With every item a cluster of its own it is the usual s / sqrt(n).
/// Asserts equal lengths, at least one value, all finite.
/// All values equal give an interval of no width: for rates at 0 or 1 use Wilson's on the number of clusters instead.
MeanEstimate clustered_mean(std::span<const double> values, std::span<const std::string> clusters, double confidence = 0.95);

/// The same without clusters.
MeanEstimate plain_mean(std::span<const double> values, double confidence = 0.95);

}  // namespace grm
