// What is asked of the engine and what it answers: plain data, no tensor.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "harness/random/philox.h"

namespace grm {

/// How the next token is chosen. temperature 0 is greedy (the lowest id of equal logits); else softmax(logits / temperature),
/// cut to the top_k most likely (0: all), then to the smallest set whose probability reaches top_p (1: all).
struct Sampling {
  double temperature = 0;
  double top_p = 1;
  std::int64_t top_k = 0;
};

struct Request {
  std::uint64_t id = 0;                 // given back with the completion
  std::vector<std::int32_t> prompt;     // at least one token
  std::vector<std::int32_t> forced;     // the answer begins with these
  Sampling sampling;
  std::int64_t max_new_tokens = 0;      // drawn tokens, the forced ones apart; cut at the end of the context
  std::vector<std::int32_t> stop_tokens;  // drawing one ends the answer; it is the answer's last token
  /// Asked after each drawn token with the answer so far; true ends it. For stop strings: the engine knows no text.
  std::function<bool(std::span<const std::int32_t>)> stop;
  StreamKey stream;                     // random numbers are drawn at the token's position in the answer
  bool log_probs = false;
};

/// kFailed: the model's logits were not numbers, so nothing could be drawn.
enum class FinishReason { kStop, kLength, kFailed };

struct Completion {
  std::uint64_t id = 0;
  std::vector<std::int32_t> tokens;   // forced and drawn, the stop token included
  /// Of each drawn token under softmax(logits / temperature), before top_k and top_p; temperature 1 where it is greedy.
  std::vector<float> log_probs;
  FinishReason finish = FinishReason::kLength;
  std::int64_t shared_tokens = 0;     // of the prompt, taken from the prefix cache
  double queue_seconds = 0, prefill_seconds = 0, decode_seconds = 0;
};

}  // namespace grm
