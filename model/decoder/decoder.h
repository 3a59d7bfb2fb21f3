// The decoder as tensors: loading a checkpoint, and a slow, obvious forward pass that everything faster is tested against.
// The variants (Llama, Qwen2, Qwen3) are data in DecoderConfig: biases, query/key norms, head dimension, RoPE, window.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <vector>

#include "model/decoder/config.h"

namespace grm {

/// A linear layer: weight [N, K], bias [N] or undefined.
struct Linear {
  at::Tensor weight;
  at::Tensor bias;
};

struct DecoderLayer {
  at::Tensor input_norm;           // [E]
  Linear q_proj, k_proj, v_proj;   // [H·D, E], [KV·D, E], [KV·D, E]
  at::Tensor q_norm, k_norm;       // [D] or undefined
  Linear o_proj;                   // [E, H·D]
  at::Tensor post_attention_norm;  // [E]
  Linear gate_proj, up_proj, down_proj;
};

struct Decoder {
  DecoderConfig config;
  at::Tensor embed_tokens;  // [V, E]
  std::vector<DecoderLayer> layers;
  at::Tensor norm;  // [E]
  at::Tensor head;  // [V, E]: lm_head, or embed_tokens where they are tied; or the score head [num_labels, E]
};

/// Reads a checkpoint folder (config.json, safetensors) and converts the weights to `dtype` (kFloat or kBFloat16).
/// Throws ModelError for a missing tensor or a shape that disagrees with the configuration.
Decoder load_decoder(const std::filesystem::path& folder, at::ScalarType dtype);

/// Hidden states after the final norm, [L, E], of one sequence of token ids. Differentiable; any device.
at::Tensor hidden_states(const Decoder& decoder, const std::vector<std::int32_t>& tokens);

/// The head on every position: float32 [L, V] (or [L, num_labels]).
at::Tensor full_logits(const Decoder& decoder, const std::vector<std::int32_t>& tokens);

}  // namespace grm
