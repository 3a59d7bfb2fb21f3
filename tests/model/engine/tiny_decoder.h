// A small decoder with random weights, built in memory.
#pragma once

#include <ATen/ATen.h>

#include "model/decoder/decoder.h"

namespace grm {

inline DecoderConfig tiny_config() {
  DecoderConfig config;
  config.architecture = Architecture::kQwen3;
  config.vocab_size = 301;
  config.hidden_size = 48;
  config.intermediate_size = 112;
  config.num_layers = 3;
  config.num_heads = 6;
  config.num_kv_heads = 2;
  config.head_dim = 24;
  config.max_position = 512;
  config.qk_norm = true;
  config.sliding_window = {0, 0, 0};
  return config;
}

inline Decoder random_decoder(const DecoderConfig& config, at::ScalarType dtype) {
  at::manual_seed(5);
  const auto weight = [&](std::vector<std::int64_t> shape) {
    return (at::randn(shape) * (1.5 / std::sqrt(static_cast<double>(shape.back())))).to(dtype);
  };
  const auto norm = [&](std::int64_t size) { return (1 + 0.1 * at::randn({size})).to(dtype); };
  const auto linear = [&](std::int64_t out, std::int64_t in, bool bias) {
    return Linear{weight({out, in}), bias ? (0.1 * at::randn({out})).to(dtype) : at::Tensor()};
  };
  const std::int64_t hidden = config.hidden_size, dim = config.head_dim;
  Decoder decoder;
  decoder.config = config;
  decoder.embed_tokens = at::randn({config.vocab_size, hidden}).to(dtype);
  for (std::int64_t i = 0; i < config.num_layers; ++i) {
    DecoderLayer layer;
    layer.input_norm = norm(hidden);
    layer.q_proj = linear(config.num_heads * dim, hidden, config.qkv_bias);
    layer.k_proj = linear(config.num_kv_heads * dim, hidden, config.qkv_bias);
    layer.v_proj = linear(config.num_kv_heads * dim, hidden, config.qkv_bias);
    if (config.qk_norm) {
      layer.q_norm = norm(dim);
      layer.k_norm = norm(dim);
    }
    layer.o_proj = linear(hidden, config.num_heads * dim, config.o_bias);
    layer.post_attention_norm = norm(hidden);
    layer.gate_proj = linear(config.intermediate_size, hidden, config.mlp_bias);
    layer.up_proj = linear(config.intermediate_size, hidden, config.mlp_bias);
    layer.down_proj = linear(hidden, config.intermediate_size, config.mlp_bias);
    decoder.layers.push_back(layer);
  }
  decoder.norm = norm(hidden);
  decoder.head = weight({config.vocab_size, hidden}) * 3;
  return decoder;
}

}  // namespace grm
