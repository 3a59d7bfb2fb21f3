#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "model/engine/request.h"

namespace grm {

/// Tokens of a key-value block; the kernels are built around it.
inline constexpr std::int64_t kBlockTokens = 64;

/// A request on its way through the engine.
struct Sequence {
  using Clock = std::chrono::steady_clock;

  Request request;
  std::vector<std::int32_t> tokens;    // prompt, forced, drawn
  std::vector<std::int32_t> blocks;    // of the key-value pool, in order
  std::int64_t computed = 0;           // tokens whose keys and values are in the pool
  std::int64_t limit = 0;              // tokens.size() at which the answer is cut
  std::vector<float> log_probs;
  std::int64_t shared_tokens = 0;
  Clock::time_point submitted = Clock::now(), started, first_drawn;

  std::int64_t size() const { return static_cast<std::int64_t>(tokens.size()); }
  std::int64_t prompt_size() const { return static_cast<std::int64_t>(request.prompt.size()); }
  std::int64_t drawn() const { return size() - prompt_size() - static_cast<std::int64_t>(request.forced.size()); }
};

}  // namespace grm
