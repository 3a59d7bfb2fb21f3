// L tokens, E hidden size, H query heads, G key heads, D head dimension, V vocabulary.
#include "model/decoder/decoder.h"

#include <ATen/ATen.h>

#include <cmath>
#include <string>

#include "model/error.h"
#include "model/weights/safetensors.h"

namespace grm {
namespace {

std::string shape_text(at::IntArrayRef shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

struct Loader {
  Checkpoint checkpoint;
  at::ScalarType dtype;

  at::Tensor tensor(const std::string& name, std::vector<std::int64_t> shape) const {
    if (!checkpoint.has(name)) {
      throw ModelError(checkpoint.folder().string() + ": tensor " + name + " is missing; the checkpoint does not fit its config.json");
    }
    const at::Tensor stored = checkpoint.tensor(name);
    if (stored.sizes() != at::IntArrayRef(shape)) {
      throw ModelError(checkpoint.folder().string() + ": tensor " + name + " has shape " + shape_text(stored.sizes()) +
                       ", config.json asks for " + shape_text(shape));
    }
    return stored.to(dtype);
  }
  Linear linear(const std::string& name, std::int64_t out, std::int64_t in, bool bias) const {
    return {tensor(name + ".weight", {out, in}), bias ? tensor(name + ".bias", {out}) : at::Tensor()};
  }
};

DecoderLayer load_layer(const Loader& load, const DecoderConfig& config, std::int64_t index) {
  const std::string prefix = "model.layers." + std::to_string(index) + ".";
  const std::int64_t hidden = config.hidden_size, inner = config.intermediate_size;
  const std::int64_t queries = config.num_heads * config.head_dim, keys = config.num_kv_heads * config.head_dim;
  DecoderLayer layer;
  layer.input_norm = load.tensor(prefix + "input_layernorm.weight", {hidden});
  layer.q_proj = load.linear(prefix + "self_attn.q_proj", queries, hidden, config.qkv_bias);
  layer.k_proj = load.linear(prefix + "self_attn.k_proj", keys, hidden, config.qkv_bias);
  layer.v_proj = load.linear(prefix + "self_attn.v_proj", keys, hidden, config.qkv_bias);
  if (config.qk_norm) {
    layer.q_norm = load.tensor(prefix + "self_attn.q_norm.weight", {config.head_dim});
    layer.k_norm = load.tensor(prefix + "self_attn.k_norm.weight", {config.head_dim});
  }
  layer.o_proj = load.linear(prefix + "self_attn.o_proj", hidden, queries, config.o_bias);
  layer.post_attention_norm = load.tensor(prefix + "post_attention_layernorm.weight", {hidden});
  layer.gate_proj = load.linear(prefix + "mlp.gate_proj", inner, hidden, config.mlp_bias);
  layer.up_proj = load.linear(prefix + "mlp.up_proj", inner, hidden, config.mlp_bias);
  layer.down_proj = load.linear(prefix + "mlp.down_proj", hidden, inner, config.mlp_bias);
  return layer;
}

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const at::Tensor x_float = x.to(at::kFloat);
  const at::Tensor variance = x_float.pow(2).mean(-1, true);
  return weight * (x_float * at::rsqrt(variance + eps)).to(x.scalar_type());
}

at::Tensor apply(const Linear& layer, const at::Tensor& x) { return at::linear(x, layer.weight, layer.bias); }

struct Rotation {
  at::Tensor cosine_LD, sine_LD;
};

Rotation rotation(const DecoderConfig& config, std::int64_t length, const at::TensorOptions& options) {
  const at::Tensor frequencies = rope_inverse_frequencies(config.rope, config.head_dim).to(options.device());
  const at::Tensor positions = at::arange(length, options.dtype(at::kFloat));
  const at::Tensor half = at::outer(positions, frequencies);
  const at::Tensor angles = at::cat({half, half}, -1);
  const double scale = rope_attention_scale(config.rope);
  return {(angles.cos() * scale).to(options.dtype()), (angles.sin() * scale).to(options.dtype())};
}

at::Tensor rotate(const at::Tensor& x_HLD, const Rotation& rope) {
  const auto halves = x_HLD.chunk(2, -1);
  return x_HLD * rope.cosine_LD + at::cat({-halves[1], halves[0]}, -1) * rope.sine_LD;
}

// True where the query (row) sees the key (column).
at::Tensor visible(std::int64_t length, std::int64_t window, at::Device device) {
  const at::Tensor mask = at::ones({length, length}, at::TensorOptions(at::kBool).device(device)).tril();
  return window > 0 ? mask.logical_and(at::ones_like(mask).triu(1 - window)) : mask;
}

at::Tensor attention(const DecoderConfig& config, const DecoderLayer& layer, const at::Tensor& x_LE, const Rotation& rope,
                     std::int64_t window) {
  const std::int64_t length = x_LE.size(0), dim = config.head_dim, group = config.num_heads / config.num_kv_heads;
  at::Tensor q_LHD = apply(layer.q_proj, x_LE).view({length, config.num_heads, dim});
  at::Tensor k_LGD = apply(layer.k_proj, x_LE).view({length, config.num_kv_heads, dim});
  const at::Tensor v_LGD = apply(layer.v_proj, x_LE).view({length, config.num_kv_heads, dim});
  if (layer.q_norm.defined()) {
    q_LHD = rms_norm(q_LHD, layer.q_norm, config.rms_norm_eps);
    k_LGD = rms_norm(k_LGD, layer.k_norm, config.rms_norm_eps);
  }
  const at::Tensor q_HLD = rotate(q_LHD.transpose(0, 1), rope);
  const at::Tensor k_HLD = rotate(k_LGD.transpose(0, 1), rope).repeat_interleave(group, 0);
  const at::Tensor v_HLD = v_LGD.transpose(0, 1).repeat_interleave(group, 0);
  at::Tensor scores_HLL = at::matmul(q_HLD, k_HLD.transpose(1, 2)) / std::sqrt(static_cast<double>(dim));
  scores_HLL = scores_HLL.masked_fill(visible(length, window, x_LE.device()).logical_not(), -INFINITY);
  const at::Tensor weights_HLL = at::softmax(scores_HLL, -1, at::kFloat).to(x_LE.scalar_type());
  return apply(layer.o_proj, at::matmul(weights_HLL, v_HLD).transpose(0, 1).reshape({length, config.num_heads * dim}));
}

at::Tensor feed_forward(const DecoderLayer& layer, const at::Tensor& x_LE) {
  return apply(layer.down_proj, at::silu(apply(layer.gate_proj, x_LE)) * apply(layer.up_proj, x_LE));
}

}  // namespace

Decoder load_decoder(const std::filesystem::path& folder, at::ScalarType dtype) {
  Decoder decoder;
  decoder.config = load_decoder_config(folder);
  const DecoderConfig& config = decoder.config;
  const Loader load{Checkpoint::open(folder), dtype};
  decoder.embed_tokens = load.tensor("model.embed_tokens.weight", {config.vocab_size, config.hidden_size});
  for (std::int64_t i = 0; i < config.num_layers; ++i) decoder.layers.push_back(load_layer(load, config, i));
  decoder.norm = load.tensor("model.norm.weight", {config.hidden_size});
  if (config.num_labels > 0) {
    decoder.head = load.tensor("score.weight", {config.num_labels, config.hidden_size});
  } else {
    decoder.head = config.tied_embeddings ? decoder.embed_tokens : load.tensor("lm_head.weight", {config.vocab_size, config.hidden_size});
  }
  return decoder;
}

at::Tensor hidden_states(const Decoder& decoder, const std::vector<std::int32_t>& tokens) {
  const DecoderConfig& config = decoder.config;
  const at::Tensor ids = at::tensor(tokens, at::TensorOptions(at::kInt)).to(decoder.embed_tokens.device());
  at::Tensor x_LE = at::embedding(decoder.embed_tokens, ids);
  const Rotation rope = rotation(config, x_LE.size(0), x_LE.options());
  for (std::size_t i = 0; i < decoder.layers.size(); ++i) {
    const DecoderLayer& layer = decoder.layers[i];
    x_LE = x_LE + attention(config, layer, rms_norm(x_LE, layer.input_norm, config.rms_norm_eps), rope, config.sliding_window[i]);
    x_LE = x_LE + feed_forward(layer, rms_norm(x_LE, layer.post_attention_norm, config.rms_norm_eps));
  }
  return rms_norm(x_LE, decoder.norm, config.rms_norm_eps);
}

at::Tensor full_logits(const Decoder& decoder, const std::vector<std::int32_t>& tokens) {
  return at::linear(hidden_states(decoder, tokens), decoder.head).to(at::kFloat);
}

}  // namespace grm
