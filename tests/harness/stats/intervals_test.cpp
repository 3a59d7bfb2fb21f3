#include "harness/stats/intervals.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace grm {
namespace {

/// Newcombe 1998, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17, table I, method 3.
TEST(WilsonInterval, PublishedValues) {
  const auto check = [](double successes, std::int64_t n, double low, double high) {
    const auto interval = wilson_interval(successes, n);
    ASSERT_TRUE(interval);
    EXPECT_NEAR(interval->low, low, 5e-5);
    EXPECT_NEAR(interval->high, high, 5e-5);
  };
  check(81, 263, 0.2553, 0.3662);
  check(15, 148, 0.0624, 0.1605);
  check(0, 20, 0.0000, 0.1611);
  check(1, 29, 0.0061, 0.1718);
}

TEST(WilsonInterval, ClosedForms) {
  const double z = 1.959963984540054;
  for (const int n : {1, 2, 10, 1000, 1000000}) {
    const double count = n;
    EXPECT_NEAR(wilson_interval(0, n)->high, z * z / (count + z * z), 1e-14);  // at rate 0
    EXPECT_EQ(wilson_interval(0, n)->low, 0);
    EXPECT_EQ(wilson_interval(count, n)->high, 1);
    EXPECT_NEAR(wilson_interval(count, n)->low, count / (count + z * z), 1e-14);
    const auto half = *wilson_interval(count / 2, n);  // symmetric; fractional successes
    EXPECT_NEAR(half.low + half.high, 1, 1e-14);
    EXPECT_NEAR(half.high - 0.5, 0.5 * z / std::sqrt(count + z * z), 1e-14);
  }
  EXPECT_FALSE(wilson_interval(0, 0));
  const auto narrow = *wilson_interval(30, 100, 0.5);
  const auto wide = *wilson_interval(30, 100, 0.999);
  EXPECT_LT(wide.low, narrow.low);
  EXPECT_GT(wide.high, narrow.high);
}

/// The ends solve (rate - p)^2 = z^2 p (1 - p) / n: what makes it the score interval.
TEST(WilsonInterval, EndsSolveTheScoreEquation) {
  const double z = 1.6448536269514722;
  for (int successes = 1; successes < 37; ++successes) {
    const auto interval = *wilson_interval(successes, 37, 0.9);
    for (const double p : {interval.low, interval.high}) {
      EXPECT_NEAR(std::pow(successes / 37.0 - p, 2), z * z * p * (1 - p) / 37, 1e-13);
    }
  }
}

TEST(ClusteredMean, ClosedForms) {
  // Each item its own cluster: s / sqrt(n) and Student's t with n - 1 degrees of freedom (t 0.975, 4 = 2.776445).
  const std::vector<double> values{2, 4, 4, 5, 10};
  const std::vector<std::string> own{"a", "b", "c", "d", "e"};
  const MeanEstimate plain = plain_mean(values);
  const MeanEstimate single = clustered_mean(values, own);
  EXPECT_DOUBLE_EQ(plain.mean, 5);
  EXPECT_NEAR(*plain.standard_error, std::sqrt(9.0 / 5), 1e-14);  // s^2 = 36 / 4
  EXPECT_NEAR(plain.interval->high - 5, 2.7764451051977987 * std::sqrt(9.0 / 5), 1e-12);
  EXPECT_DOUBLE_EQ(*single.standard_error, *plain.standard_error);
  EXPECT_DOUBLE_EQ(single.interval->low, plain.interval->low);

  // Copies of each value inside a cluster carry no information: the same error as the cluster means.
  std::vector<double> copies;
  std::vector<std::string> clusters;
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (int copy = 0; copy < 9; ++copy) copies.push_back(values[i]), clusters.push_back(own[i]);
  }
  const MeanEstimate copied = clustered_mean(copies, clusters);
  EXPECT_NEAR(*copied.standard_error, *plain.standard_error, 1e-14);
  EXPECT_EQ(copied.clusters, 5);
  EXPECT_EQ(copied.n, 45);
  EXPECT_GT(*copied.standard_error, 2.9 * *plain_mean(copies).standard_error);  // the naive error is 3 times too small

  // Residuals that cancel inside each cluster: no error.
  EXPECT_NEAR(*clustered_mean(std::vector<double>{0, 1, 1, 0}, std::vector<std::string>{"p", "p", "q", "q"}).standard_error, 0, 1e-15);
}

/// Unequal clusters by hand: mean 0.6; a cluster's residual is its sum less 0.6 times its size.
TEST(ClusteredMean, UnequalClusters) {
  const std::vector<double> values{1, 0, 1, 1, 0, 0, 1, 1, 1, 0};
  const std::vector<std::string> clusters{"a", "a", "b", "b", "b", "c", "c", "d", "e", "e"};
  double squares = 0;
  for (const double residual : {1 - 1.2, 2 - 1.8, 1 - 1.2, 1 - 0.6, 1 - 1.2}) squares += residual * residual;
  EXPECT_NEAR(*clustered_mean(values, clusters).standard_error, std::sqrt(squares * 5 / 4) / 10, 1e-15);
}

TEST(ClusteredMean, OneClusterGivesNoInterval) {
  const MeanEstimate estimate = clustered_mean(std::vector<double>{1, 0}, std::vector<std::string>{"a", "a"});
  EXPECT_DOUBLE_EQ(estimate.mean, 0.5);
  EXPECT_FALSE(estimate.standard_error);
  EXPECT_FALSE(estimate.interval);
  EXPECT_FALSE(plain_mean(std::vector<double>{1}).interval);
}

}  // namespace
}  // namespace grm
