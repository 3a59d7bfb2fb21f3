#include "model/engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace grm {
namespace {

std::vector<double> shares(const std::vector<float>& logits, const Sampling& sampling, std::uint32_t draws) {
  std::vector<double> counts(logits.size());
  for (std::uint32_t i = 0; i < draws; ++i) {
    counts.at(static_cast<std::size_t>(draw_token(logits, sampling, stream_key(1, "test"), i, false).token)) += 1.0 / draws;
  }
  return counts;
}

TEST(Sampler, GreedyTakesTheLowestIdOfEqualLogits) {
  EXPECT_EQ(draw_token(std::vector<float>{1, 3, 3, 2}, {}, {}, 0, false).token, 1);
}

TEST(Sampler, DrawsNothingFromLogitsThatAreNoNumbers) {
  EXPECT_EQ(draw_token(std::vector<float>{1, NAN, 3}, {}, {}, 0, false).token, -1);
  EXPECT_EQ(draw_token(std::vector<float>{NAN, NAN}, {1, 0.9, 0}, {}, 0, false).token, -1);
  EXPECT_EQ(draw_token(std::vector<float>{1, INFINITY}, {}, {}, 0, true).token, -1);
  EXPECT_EQ(draw_token(std::vector<float>{1, -INFINITY}, {1, 1, 0}, {}, 0, false).token, 0);
}

TEST(Sampler, DrawsFollowTheSoftmaxAtTheTemperature) {
  const std::vector<float> logits = {0, 1, -1, 2};
  constexpr std::uint32_t n = 40000;
  for (const double temperature : {0.6, 1.0, 2.0}) {
    const std::vector<double> found = shares(logits, {temperature, 1, 0}, n);
    for (std::int32_t i = 0; i < 4; ++i) {
      const double p = std::exp(token_log_prob(logits, i, temperature));
      EXPECT_NEAR(found[static_cast<std::size_t>(i)], p, 4 * std::sqrt(p * (1 - p) / n)) << temperature << " " << i;
    }
  }
}

TEST(Sampler, LogProbabilitiesAreExact) {
  const std::vector<float> logits = {1, 2, 3};
  const double total = std::exp(1.0 / 0.5) + std::exp(2.0 / 0.5) + std::exp(3.0 / 0.5);
  EXPECT_NEAR(token_log_prob(logits, 1, 0.5), 2.0 / 0.5 - std::log(total), 1e-6);
  EXPECT_EQ(draw_token(logits, {0.5, 1, 1}, {}, 0, true).log_prob, token_log_prob(logits, 2, 0.5));
}

TEST(Sampler, TopKAndTopPCut) {
  const std::vector<float> logits = {std::log(0.1f), std::log(0.4f), std::log(0.2f), std::log(0.3f)};
  const std::vector<double> top_k = shares(logits, {1, 1, 2}, 20000);
  EXPECT_EQ(top_k[0] + top_k[2], 0);
  EXPECT_NEAR(top_k[1], 4.0 / 7, 0.02);
  const std::vector<double> top_p = shares(logits, {1, 0.75, 0}, 20000);  // 0.4, 0.3 and the 0.2 that crosses
  EXPECT_EQ(top_p[0], 0);
  EXPECT_NEAR(top_p[2], 0.2 / 0.9, 0.02);
  const std::vector<double> both = shares(logits, {1, 0.5, 3}, 20000);
  EXPECT_EQ(both[0] + both[2], 0);
}

}  // namespace
}  // namespace grm
