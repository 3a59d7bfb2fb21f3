// A decoder's architecture as data: what config.json and generation_config.json say, checked and with every default resolved.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace grm {

enum class Architecture { kLlama, kQwen2, kQwen3 };
enum class RopeType { kDefault, kLinear, kLlama3, kYarn };

/// Rotary position embedding. Fields that a type does not use keep their defaults.
struct RopeConfig {
  RopeType type = RopeType::kDefault;
  double theta = 10000;
  double factor = 1;                        // linear, llama3, yarn
  double low_freq_factor = 1;               // llama3
  double high_freq_factor = 4;              // llama3
  std::int64_t original_max_position = 0;   // llama3, yarn: the context before scaling; resolved, > 0 for these types
  std::optional<double> attention_factor;   // yarn: given explicitly; see rope_attention_scale
  double beta_fast = 32;                    // yarn
  double beta_slow = 1;                     // yarn
  double mscale = 0;                        // yarn: 0 = not given
  double mscale_all_dim = 0;                // yarn: 0 = not given
  bool truncate = true;                     // yarn: round the correction range to whole dimensions
};

/// Sizes are checked: all > 0 and within sane limits, num_heads divisible by num_kv_heads, head_dim even.
struct DecoderConfig {
  Architecture architecture = Architecture::kLlama;
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t num_layers = 0;
  std::int64_t num_heads = 0;
  std::int64_t num_kv_heads = 0;
  std::int64_t head_dim = 0;      // not always hidden_size / num_heads
  std::int64_t max_position = 0;  // the longest context, in tokens
  double rms_norm_eps = 1e-6;
  bool qkv_bias = false;
  bool o_bias = false;
  bool mlp_bias = false;
  bool qk_norm = false;          // RMSNorm over head_dim of q and k, before RoPE
  bool tied_embeddings = false;  // no lm_head.weight: the embedding table is the head
  RopeConfig rope;
  // One entry a layer: 0 = full attention, else the query at position i sees the keys at i - window + 1 … i.
  std::vector<std::int64_t> sliding_window;
  std::int64_t num_labels = 0;              // > 0: …ForSequenceClassification with score.weight [num_labels, hidden_size]
  std::vector<std::int32_t> eos_token_ids;  // generation stops on any; may be empty
  std::optional<std::int32_t> bos_token_id;
  std::optional<std::int32_t> pad_token_id;
  std::string dtype;  // as written: "bfloat16", "float32", "float16"; empty where the config does not say
};

/// Reads config.json and, if it is there, generation_config.json of a checkpoint folder, in the forms of transformers 4 and 5.
/// Throws ModelError, naming file, field and value, for what is missing, out of range or not implemented.
DecoderConfig load_decoder_config(const std::filesystem::path& folder);

/// Inverse frequencies, fp32 [head_dim / 2]: the angle of pair k at position p is p · frequency[k] in fp32. Bit-equal to
/// transformers 5 (modeling_rope_utils) on the same libtorch, since the same operations run in the same order.
at::Tensor rope_inverse_frequencies(const RopeConfig& rope, std::int64_t head_dim);

/// What cosine and sine are multiplied by: 1 but for yarn.
double rope_attention_scale(const RopeConfig& rope);

const char* architecture_name(Architecture architecture);

}  // namespace grm
