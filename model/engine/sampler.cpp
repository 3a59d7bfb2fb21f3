#include "model/engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace grm {
namespace {

// The smallest id of the greatest logit. NaN never wins.
std::int32_t argmax(std::span<const float> logits) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < logits.size(); ++i) {
    if (logits[i] > logits[best] || std::isnan(logits[best])) best = i;
  }
  return static_cast<std::int32_t>(best);
}

// Token ids that may be drawn, most likely first; ties by id.
std::vector<std::int32_t> candidates(std::span<const float> logits, const Sampling& sampling) {
  std::vector<std::int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto likelier = [&](std::int32_t a, std::int32_t b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x > y || (x == y && a < b);
  };
  const std::size_t keep = sampling.top_k > 0 ? std::min(ids.size(), static_cast<std::size_t>(sampling.top_k)) : ids.size();
  std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(keep), ids.end(), likelier);
  ids.resize(keep);
  return ids;
}

double weight(std::span<const float> logits, std::int32_t id, float highest, double temperature) {
  return std::exp((static_cast<double>(logits[static_cast<std::size_t>(id)]) - highest) / temperature);
}

std::int32_t draw_from(const std::vector<std::int32_t>& ids, std::span<const float> logits, const Sampling& sampling, float highest,
                       double uniform) {
  std::vector<double> cumulative(ids.size());
  double total = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) cumulative[i] = total += weight(logits, ids[i], highest, sampling.temperature);
  std::size_t kept = ids.size();
  if (sampling.top_p < 1) {
    const auto reached = std::ranges::lower_bound(cumulative, sampling.top_p * total);
    kept = std::min(kept, static_cast<std::size_t>(reached - cumulative.begin()) + 1);
    total = cumulative[kept - 1];
  }
  const auto end = cumulative.begin() + static_cast<std::ptrdiff_t>(kept);
  const auto chosen = std::upper_bound(cumulative.begin(), end, uniform * total);
  return ids[std::min(kept - 1, static_cast<std::size_t>(chosen - cumulative.begin()))];
}

std::int32_t sample(std::span<const float> logits, const Sampling& sampling, double uniform) {
  const float highest = logits[static_cast<std::size_t>(argmax(logits))];
  if (sampling.top_k > 0 || sampling.top_p < 1) {
    return draw_from(candidates(logits, sampling), logits, sampling, highest, uniform);
  }
  std::vector<std::int32_t> all(logits.size());
  std::iota(all.begin(), all.end(), 0);
  return draw_from(all, logits, sampling, highest, uniform);
}

}  // namespace

float token_log_prob(std::span<const float> logits, std::int32_t token, double temperature) {
  const float highest = logits[static_cast<std::size_t>(argmax(logits))];
  double total = 0;
  for (const float logit : logits) total += std::exp((static_cast<double>(logit) - highest) / temperature);
  return static_cast<float>((static_cast<double>(logits[static_cast<std::size_t>(token)]) - highest) / temperature - std::log(total));
}

Drawn draw_token(std::span<const float> logits, const Sampling& sampling, const StreamKey& stream, std::uint32_t position, bool log_prob) {
  const float highest = logits[static_cast<std::size_t>(argmax(logits))];
  if (!std::isfinite(highest) || std::ranges::any_of(logits, [](float logit) { return std::isnan(logit); })) return {-1, 0.0f};
  const bool greedy = sampling.temperature == 0;
  const std::int32_t token = greedy ? argmax(logits) : sample(logits, sampling, random_uniform(stream, position));
  return {token, log_prob ? token_log_prob(logits, token, greedy ? 1.0 : sampling.temperature) : 0.0f};
}

}  // namespace grm
