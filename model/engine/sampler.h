#pragma once

#include <cstdint>
#include <span>

#include "harness/random/philox.h"
#include "model/engine/request.h"

namespace grm {

struct Drawn {
  std::int32_t token;  // -1: a logit is not a number, or all are infinite
  float log_prob;  // 0 unless asked for
};

/// Chooses a token from float logits [V]. One uniform number, at `position` of the stream, decides by the inverse of the cumulative
/// distribution; sums run in double in the order of ids (or of probability where top_k or top_p cut), so the choice is a pure
/// function of its arguments.
Drawn draw_token(std::span<const float> logits, const Sampling& sampling, const StreamKey& stream, std::uint32_t position, bool log_prob);

/// log softmax(logits / temperature)[token], in double.
float token_log_prob(std::span<const float> logits, std::int32_t token, double temperature);

}  // namespace grm
