// The engine: requests in, completions out. A step is: schedule, run, draw.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "model/engine/request.h"

namespace grm {

struct Decoder;

struct EngineOptions {
  int threads = 0;                      // 0: one a core
  std::int64_t max_sequences = 64;      // at once
  std::int64_t max_step_tokens = 512;
  // 0: a quarter of the memory that is free, but one context at least and max_sequences contexts at most.
  std::int64_t kv_cache_bytes = 0;
  bool share_prefixes = true;           // changes speed alone
};

struct EngineStats {
  std::int64_t steps = 0, prefill_tokens = 0, decode_tokens = 0, shared_tokens = 0;
  std::int64_t put_back = 0;  // sequences that lost their blocks to older ones
};

class Engine {
 public:
  Engine(const Decoder& decoder, const EngineOptions& options);
  ~Engine();

  /// Takes a request. Throws ModelError if it can never run: empty prompt, token id outside the vocabulary, prompt and forced
  /// tokens that leave no room in the context or in the key-value cache.
  void submit(Request request);

  /// Computes one step and returns the answers that ended in it.
  std::vector<Completion> step();

  /// Forgets all requests that are not finished, and every cached prefix.
  void clear();

  bool idle() const;
  /// Longest prompt, forced and drawn tokens together that this engine can hold.
  std::int64_t max_context() const;
  int threads() const;
  std::int64_t kv_cache_bytes() const;
  EngineStats stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What a caller without libtorch headers needs to know of a loaded model.
struct ModelFacts {
  std::string architecture, dtype;
  std::int64_t vocab_size = 0, context = 0, parameters = 0;
  std::vector<std::int32_t> eos_token_ids;
};

struct LoadedEngine {
  ModelFacts facts;
  std::unique_ptr<Engine> engine;
};

/// Loads a checkpoint folder for generation. `dtype`: float32 (fp32), bfloat16 (bf16) or auto: bfloat16
/// where the checkpoint is stored so, else float32.
/// Throws ModelError.
LoadedEngine load_engine(const std::filesystem::path& folder, const std::string& dtype, const EngineOptions& options);

/// Version and CPU capability of libtorch, and the kernels' instruction set: what equal results depend on.
struct ComputeFacts {
  std::string libtorch, capability, kernels;
};
ComputeFacts compute_facts();

}  // namespace grm
