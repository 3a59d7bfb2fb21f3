// End-to-end speed of the engine on a list of prompts.
#pragma once

#include <cstdint>
#include <vector>

#include "model/engine/engine.h"

namespace grm {

/// Tokens are counted as the prompts' own; nothing is taken from a prefix cache that an earlier run filled.
struct EngineSpeed {
  std::int64_t prompts = 0, prompt_tokens = 0, new_tokens = 0;
  double first_seconds = 0;  // all prompts, one token each
  double all_seconds = 0;    // all prompts, `new_tokens` each
  double prefill_tokens_per_second() const { return static_cast<double>(prompt_tokens) / first_seconds; }
  double decode_tokens_per_second() const {
    return static_cast<double>(prompts * (new_tokens - 1)) / (all_seconds - first_seconds);
  }
  double judgements_per_minute() const { return 60.0 * static_cast<double>(prompts) / all_seconds; }
};

/// Runs all prompts greedily twice after a short warm-up, once for one token and once for `new_tokens`; end-of-text is ignored, so
/// that the work is fixed. new_tokens ≥ 2. Throws ModelError for prompts the engine cannot hold.
EngineSpeed measure_engine(Engine& engine, const std::vector<std::vector<std::int32_t>>& prompts, std::int64_t new_tokens);

}  // namespace grm
