// The model's half of the engine: packed weights, the key-value pool, one forward pass over the tokens of a step.
// It sees no request; the scheduler sees no tensor.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "model/engine/thread_pool.h"

namespace grm {

struct Decoder;

/// Consecutive tokens of one sequence in a step; the keys and values of all earlier positions are in the pool.
struct TokenSpan {
  std::span<const std::int32_t> tokens;
  std::int64_t first_position = 0;
  std::span<const std::int32_t> blocks;  // the sequence's blocks, enough for first_position + tokens.size()
  bool wants_logits = false;             // of the last token
};

class Runner {
 public:
  virtual ~Runner() = default;
  /// Runs the spans, at most `max_rows` tokens in all, and writes float logits [spans that want them, V] in their order.
  virtual void forward(std::span<const TokenSpan> spans, float* logits) = 0;
};

/// Bytes of one block of kPanel tokens over all layers, for this model's dtype.
std::int64_t kv_block_bytes(const Decoder& decoder);

/// The runner of the decoder's dtype (float32 or bfloat16). Copies the weights; the pool's memory is taken as it is touched.
std::unique_ptr<Runner> make_runner(const Decoder& decoder, std::int64_t blocks, std::int64_t max_rows, ThreadPool& pool);

}  // namespace grm
