// A judge: whatever turns a prompt into text.
#pragma once

#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/random/philox.h"
#include "harness/run/journal.h"
#include "harness/run/manifest.h"
#include "suites/benchmarks/item.h"

namespace grm {

/// One prompt to be judged.
struct JudgeRequest {
  const Item* item = nullptr;
  std::array<int, 2> shown = {0, 1};  ///< indices of the answers in the order shown: the first is A
  Order order = Order::ab;
  int sample = 0;
  std::string prompt;  ///< the user turn
  std::string forced;  ///< how the rationale has to begin; empty where it is free
  StreamKey stream;    ///< of the random numbers of this judgement
};

struct JudgeOutput {
  std::string rendered_prompt;              ///< what the model read, chat template applied
  std::int64_t prompt_tokens = 0;
  std::vector<std::int64_t> first_token_ids;  ///< of the rendered prompt: shows a BOS that came twice
  std::string text;                         ///< the whole rationale, its forced beginning included
  std::int64_t output_tokens = 0;  ///< forced and generated
  Finish finish = Finish::stop;
  std::string error;      ///< why there is no text, where finish is error
  bool may_pass = false;  ///< an error that another try may not meet
  Seconds seconds;
};

struct Decoding {
  double temperature = 0;
  double top_p = 1;
  int top_k = 0;  ///< 0: all
  std::int64_t max_new = 2048;
  std::vector<std::string> stop;  ///< a judgement ends behind the first of these texts; empty: at its natural end
};

/// What the manifest says of a judge.
struct JudgeIdentity {
  nlohmann::json effective = nlohmann::json::object();  ///< settings that can change a judgement
  nlohmann::json tuning = nlohmann::json::object();     ///< what changes speed alone
  std::vector<Artifact> artifacts;                      ///< role judge: checkpoint, tokenizer, template or recorded outputs
  Machine machine;                                      ///< threads, libtorch and capability where it computes with them
};

class Judge {
 public:
  virtual ~Judge() = default;

  virtual JudgeIdentity identity() const = 0;

  /// Judges all requests, in any order, and calls `done` (never from two threads at once) with the request's index as each
  /// ends. Returns early, without calling `done` for the rest, soon after `stopped` says true.
  virtual void judge(std::span<const JudgeRequest> requests, const std::function<void(std::size_t, JudgeOutput)>& done,
                     const std::function<bool()>& stopped) = 0;

  /// Number of the judge's tokens in a text; none where it has no tokenizer.
  virtual std::optional<std::int64_t> token_count(std::string_view) const { return std::nullopt; }
};

/// What a judge is made with.
struct JudgeOptions {
  std::uint64_t seed = 0;
  Decoding decoding;
  std::string dtype = "auto";  ///< float32 (fp32), bfloat16 (bf16), or auto: as stored
  int threads = 0;             ///< 0: as many as the machine has cores
  std::int64_t kv_memory = 0;  ///< bytes for the key-value cache; 0: chosen from the memory that is free
  std::int64_t batch = 0;      ///< most judgements at once; 0: chosen by the engine
  bool offline = false;
};

/// SPEC: a folder or a Hub id with optional @REVISION (local model), baseline:NAME, replay:FILE.
std::unique_ptr<Judge> make_judge(const std::string& spec, const JudgeOptions& options);

/// first, second, longer, shorter (in code points; equal lengths: a coin seeded by the item), random (a coin per judgement).
std::unique_ptr<Judge> make_baseline_judge(const std::string& name, std::uint64_t seed);

/// JSON lines of item, order, sample (0 where absent), text and, if any, finish. A missing record is an error of that item.
std::unique_ptr<Judge> make_replay_judge(const std::filesystem::path& file);

/// Code points in valid UTF-8.
std::size_t code_points(std::string_view text);

}  // namespace grm
