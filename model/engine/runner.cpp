// R rows (tokens of the step), E hidden size, H query heads, G key heads, D head dimension, I inner size, V vocabulary.
#include "model/engine/runner.h"

#include <ATen/ATen.h>
#include <sys/mman.h>

#include <cassert>
#include <cmath>
#include <cstring>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "model/decoder/decoder.h"
#include "model/error.h"
#include "model/kernels/kernels.h"

namespace grm {
namespace {

/// Zeroed memory in whole pages, large ones where the system gives them; resident only once touched.
template <class T>
class Pages {
 public:
  Pages() = default;
  explicit Pages(std::int64_t elements) : bytes_(static_cast<std::size_t>(elements) * sizeof(T)) {
    if (bytes_ == 0) return;
    void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    madvise(memory, bytes_, MADV_HUGEPAGE);
    data_ = static_cast<T*>(memory);
  }
  Pages(Pages&& other) noexcept : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_) {}
  Pages& operator=(Pages&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Pages() {
    if (data_ != nullptr) munmap(data_, bytes_);
  }
  T* data() const { return data_; }

 private:
  T* data_ = nullptr;
  std::size_t bytes_ = 0;
};

template <class T>
struct PackedLinear {
  Pages<T> weight;
  PackedMatrix<T> matrix;
  std::vector<T> bias;  // empty: none
  Linear plain;         // instead of the packed weight, where oneDNN multiplies
};

template <class T>
struct PackedLayer {
  std::vector<T> input_norm, q_norm, k_norm, post_attention_norm;
  PackedLinear<T> qkv;      // [H·D + 2·G·D, E]
  PackedLinear<T> o;        // [E, H·D]
  PackedLinear<T> gate_up;  // [2·I, E]
  PackedLinear<T> down;     // [E, I]
};

template <class T>
const T* raw(const at::Tensor& tensor) {
  return static_cast<const T*>(tensor.const_data_ptr());
}

template <class T>
std::vector<T> copy_vector(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  const at::Tensor flat = tensor.contiguous();
  return {raw<T>(flat), raw<T>(flat) + flat.numel()};
}

template <class T>
PackedLinear<T> pack(const at::Tensor& weight, const at::Tensor& bias) {
  const at::Tensor rows = weight.contiguous();
  PackedLinear<T> packed;
  packed.matrix = {nullptr, rows.size(0), rows.size(1)};
  packed.weight = Pages<T>(packed.matrix.panels() * packed.matrix.panel_elements());
  packed.matrix.data = packed.weight.data();
  pack_matrix(raw<T>(rows), rows.size(0), rows.size(1), packed.weight.data());
  packed.bias = copy_vector<T>(bias);
  return packed;
}

template <class T>
PackedLinear<T> pack(const std::vector<Linear>& layers) {
  std::vector<at::Tensor> weights, biases;
  for (const Linear& layer : layers) {
    weights.push_back(layer.weight);
    if (layer.bias.defined()) biases.push_back(layer.bias);
  }
  const Linear joined{at::cat(weights), biases.empty() ? at::Tensor() : at::cat(biases)};
  if (!(sizeof(T) == 2 && kernel_isa() == "amx")) return pack<T>(joined.weight, joined.bias);
  PackedLinear<T> plain;
  plain.matrix = {nullptr, joined.weight.size(0), joined.weight.size(1)};
  plain.plain = joined;
  return plain;
}

template <class T>
class CpuRunner final : public Runner {
 public:
  CpuRunner(const Decoder& decoder, std::int64_t blocks, std::int64_t max_rows, ThreadPool& pool);
  void forward(std::span<const TokenSpan> spans, float* logits) override;

 private:
  struct Row {  // where a row of the step belongs
    std::int64_t position;
    std::int32_t block;
  };
  struct AttendTask {
    std::int64_t span, first_row, tokens, offset, kv_head;
  };

  void embed(std::span<const TokenSpan> spans);
  void clear_values(std::int32_t block);
  void run_layer(std::size_t index, std::span<const TokenSpan> spans);
  void linear(const PackedLinear<T>& layer, const T* input, std::int64_t rows, T* out, const T* residual = nullptr,
              float* out_float = nullptr);
  void linear_tiles(const PackedLinear<T>& layer, const T* input, std::int64_t rows, T* out, const T* residual);
  void norm_rows(const T* weight, T* out);
  void store_keys(std::size_t layer);
  void attend(std::size_t layer, std::span<const TokenSpan> spans);
  T* keys(std::size_t layer, std::int64_t kv_head) const;
  T* values(std::size_t layer, std::int64_t kv_head) const;

  DecoderConfig config_;
  const Kernels<T>& kernels_ = kernels<T>();
  ThreadPool& pool_;
  std::vector<PackedLayer<T>> layers_;
  std::vector<T> norm_;
  PackedLinear<T> head_;
  at::Tensor embed_tokens_;
  std::vector<float> frequencies_;
  float rope_scale_;

  KvLayout<T> layout_;
  std::int64_t blocks_;
  Pages<T> keys_, values_;  // [layer][key head][block]

  std::int64_t max_rows_, num_rows_ = 0;
  std::vector<Row> rows_;
  std::vector<AttendTask> tasks_;
  Pages<T> x_, h_, qkv_, attended_, gate_up_, inner_;
  std::vector<float> cosines_, sines_;
};

template <class T>
CpuRunner<T>::CpuRunner(const Decoder& decoder, std::int64_t blocks, std::int64_t max_rows, ThreadPool& pool)
    : config_(decoder.config), pool_(pool), layout_{decoder.config.head_dim}, blocks_(blocks), max_rows_(max_rows) {
  for (const DecoderLayer& layer : decoder.layers) {
    layers_.push_back({copy_vector<T>(layer.input_norm), copy_vector<T>(layer.q_norm), copy_vector<T>(layer.k_norm),
                       copy_vector<T>(layer.post_attention_norm), pack<T>({layer.q_proj, layer.k_proj, layer.v_proj}),
                       pack<T>({layer.o_proj}), pack<T>({layer.gate_proj, layer.up_proj}),
                       pack<T>({layer.down_proj})});
  }
  norm_ = copy_vector<T>(decoder.norm);
  head_ = pack<T>(decoder.head, {});
  embed_tokens_ = decoder.embed_tokens.contiguous();
  const at::Tensor frequencies = rope_inverse_frequencies(config_.rope, config_.head_dim).contiguous();
  frequencies_.assign(raw<float>(frequencies), raw<float>(frequencies) + frequencies.numel());
  rope_scale_ = static_cast<float>(rope_attention_scale(config_.rope));
  const std::int64_t heads = config_.num_layers * config_.num_kv_heads * blocks_;
  keys_ = Pages<T>(heads * layout_.key_elements());
  values_ = Pages<T>(heads * layout_.value_elements());
  x_ = Pages<T>(max_rows * config_.hidden_size);
  h_ = Pages<T>(max_rows * config_.hidden_size);
  qkv_ = Pages<T>(max_rows * layers_.front().qkv.matrix.n);
  attended_ = Pages<T>(max_rows * config_.num_heads * config_.head_dim);
  gate_up_ = Pages<T>(max_rows * config_.intermediate_size * 2);
  inner_ = Pages<T>(max_rows * config_.intermediate_size);
}

template <class T>
T* CpuRunner<T>::keys(std::size_t layer, std::int64_t kv_head) const {
  return keys_.data() + (static_cast<std::int64_t>(layer) * config_.num_kv_heads + kv_head) * blocks_ * layout_.key_elements();
}
template <class T>
T* CpuRunner<T>::values(std::size_t layer, std::int64_t kv_head) const {
  return values_.data() + (static_cast<std::int64_t>(layer) * config_.num_kv_heads + kv_head) * blocks_ * layout_.value_elements();
}

// Tasks of about this many rows: enough to reuse a weight panel in cache, small enough to share out evenly.
constexpr std::int64_t kRowsPerTask = 96;
constexpr std::int64_t kTokensPerAttendTask = 64;

template <class T>
void CpuRunner<T>::linear(const PackedLinear<T>& layer, const T* input, std::int64_t rows, T* out, const T* residual, float* out_float) {
  if (layer.plain.weight.defined()) return linear_tiles(layer, input, rows, out, residual);
  const LinearArgs<T> args{input, layer.matrix.k, layer.matrix,  layer.bias.empty() ? nullptr : layer.bias.data(),
                           residual, out,         out_float,     layer.matrix.n};
  const std::int64_t row_tasks = (rows + kRowsPerTask - 1) / kRowsPerTask;
  pool_.run(row_tasks * layer.matrix.panels(), [&](std::int64_t task) {
    const std::int64_t panel = task / row_tasks, first = task % row_tasks * kRowsPerTask;
    kernels_.linear(args, first, std::min(rows, first + kRowsPerTask), panel, panel + 1);
  });
}

// oneDNN's result for a row depends on the number of rows in the call, but at a fixed number not on the row's place or its
// neighbours: so every call has this many, the last one padded. 64 rows reach half of AMX's peak and cost little at decode,
// where reading the weights takes as long.
constexpr std::int64_t kTileRows = 64;

template <class T>
void CpuRunner<T>::linear_tiles(const PackedLinear<T>& layer, const T* input, std::int64_t rows, T* out, const T* residual) {
  const std::int64_t width = layer.matrix.k, out_width = layer.matrix.n;
  const at::Tensor padded = at::empty({kTileRows, width}, layer.plain.weight.options());
  for (std::int64_t first = 0; first < rows; first += kTileRows) {
    const std::int64_t count = std::min(kTileRows, rows - first);
    padded.zero_();
    std::memcpy(padded.mutable_data_ptr(), input + first * width, static_cast<std::size_t>(count * width) * sizeof(T));
    at::Tensor product = at::linear(padded, layer.plain.weight, layer.plain.bias);
    const auto rows_at = [&](const T* data) {
      return at::from_blob(const_cast<T*>(data) + first * out_width, {count, out_width}, product.options());
    };
    product = product.narrow(0, 0, count);
    if (residual != nullptr) product = product + rows_at(residual);
    rows_at(out).copy_(product);
  }
}

template <class T>
void CpuRunner<T>::norm_rows(const T* weight, T* out) {
  const std::int64_t width = config_.hidden_size;
  const auto eps = static_cast<float>(config_.rms_norm_eps);
  constexpr std::int64_t kRows = 16;
  pool_.run((num_rows_ + kRows - 1) / kRows, [&](std::int64_t task) {
    for (std::int64_t r = task * kRows; r < std::min(num_rows_, (task + 1) * kRows); ++r) {
      kernels_.rms_norm(x_.data() + r * width, weight, width, eps, out + r * width);
    }
  });
}

// What a block's former owner left is masked, but 0 · NaN would not be 0.
template <class T>
void CpuRunner<T>::clear_values(std::int32_t block) {
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    for (std::int64_t head = 0; head < config_.num_kv_heads; ++head) {
      std::memset(static_cast<void*>(values(layer, head) + block * layout_.value_elements()), 0,
                  static_cast<std::size_t>(layout_.value_elements()) * sizeof(T));
    }
  }
}

// Looks the tokens up, notes where each row goes, and computes its rotation once for all layers.
template <class T>
void CpuRunner<T>::embed(std::span<const TokenSpan> spans) {
  rows_.clear();
  tasks_.clear();
  const T* table = raw<T>(embed_tokens_);
  for (std::size_t s = 0; s < spans.size(); ++s) {
    const TokenSpan& span = spans[s];
    const auto first_row = static_cast<std::int64_t>(rows_.size()), count = static_cast<std::int64_t>(span.tokens.size());
    for (std::int64_t head = 0; head < config_.num_kv_heads; ++head) {
      for (std::int64_t t = 0; t < count; t += kTokensPerAttendTask) {
        tasks_.push_back({static_cast<std::int64_t>(s), first_row + t, std::min(kTokensPerAttendTask, count - t), t, head});
      }
    }
    for (std::int64_t t = 0; t < count; ++t) {
      const std::int64_t position = span.first_position + t;
      assert(span.tokens[static_cast<std::size_t>(t)] >= 0 && span.tokens[static_cast<std::size_t>(t)] < config_.vocab_size);
      std::memcpy(x_.data() + static_cast<std::int64_t>(rows_.size()) * config_.hidden_size,
                  table + span.tokens[static_cast<std::size_t>(t)] * config_.hidden_size,
                  static_cast<std::size_t>(config_.hidden_size) * sizeof(T));
      rows_.push_back({position, span.blocks[static_cast<std::size_t>(position / kPanel)]});
      if (position % kPanel == 0) clear_values(rows_.back().block);
    }
  }
  num_rows_ = static_cast<std::int64_t>(rows_.size());
  assert(num_rows_ <= max_rows_);
  const auto half = static_cast<std::int64_t>(frequencies_.size());
  cosines_.resize(static_cast<std::size_t>(num_rows_ * half));
  sines_.resize(static_cast<std::size_t>(num_rows_ * half));
  pool_.run(num_rows_, [&](std::int64_t r) {
    for (std::int64_t i = 0; i < half; ++i) {
      const float angle = static_cast<float>(rows_[static_cast<std::size_t>(r)].position) * frequencies_[static_cast<std::size_t>(i)];
      cosines_[static_cast<std::size_t>(r * half + i)] = std::cos(angle) * rope_scale_;
      sines_[static_cast<std::size_t>(r * half + i)] = std::sin(angle) * rope_scale_;
    }
  });
}

// Norms and rotates queries and keys of every row, and puts keys and values into the pool.
template <class T>
void CpuRunner<T>::store_keys(std::size_t index) {
  const PackedLayer<T>& layer = layers_[index];
  const std::int64_t dim = config_.head_dim, heads = config_.num_heads, kv_heads = config_.num_kv_heads;
  const auto eps = static_cast<float>(config_.rms_norm_eps);
  constexpr std::int64_t kRows = 4;
  pool_.run((num_rows_ + kRows - 1) / kRows, [&](std::int64_t task) {
    for (std::int64_t r = task * kRows; r < std::min(num_rows_, (task + 1) * kRows); ++r) {
      T* row = qkv_.data() + r * layer.qkv.matrix.n;
      const float* cosines = cosines_.data() + r * dim / 2;
      const float* sines = sines_.data() + r * dim / 2;
      for (std::int64_t head = 0; head < heads + kv_heads; ++head) {
        T* x = row + head * dim;
        if (config_.qk_norm) kernels_.rms_norm(x, (head < heads ? layer.q_norm : layer.k_norm).data(), dim, eps, x);
        kernels_.rotate(x, cosines, sines, dim);
      }
      const Row& place = rows_[static_cast<std::size_t>(r)];
      for (std::int64_t head = 0; head < kv_heads; ++head) {
        store_key_value(layout_, row + (heads + head) * dim, row + (heads + kv_heads + head) * dim, place.position % kPanel,
                        keys(index, head) + place.block * layout_.key_elements(),
                        values(index, head) + place.block * layout_.value_elements());
      }
    }
  });
}

template <class T>
void CpuRunner<T>::attend(std::size_t index, std::span<const TokenSpan> spans) {
  const std::int64_t dim = config_.head_dim, group = config_.num_heads / config_.num_kv_heads;
  const std::int64_t q_stride = layers_[index].qkv.matrix.n, out_stride = config_.num_heads * dim;
  pool_.run(static_cast<std::int64_t>(tasks_.size()), [&](std::int64_t i) {
    const AttendTask& task = tasks_[static_cast<std::size_t>(i)];
    const TokenSpan& span = spans[static_cast<std::size_t>(task.span)];
    kernels_.attend({qkv_.data() + task.first_row * q_stride + task.kv_head * group * dim, q_stride,
                     attended_.data() + task.first_row * out_stride + task.kv_head * group * dim, out_stride, task.tokens,
                     span.first_position + task.offset, group, layout_, keys(index, task.kv_head), values(index, task.kv_head),
                     layout_.key_elements(), layout_.value_elements(), span.blocks.data(),
                     static_cast<float>(1.0 / std::sqrt(static_cast<double>(dim))), config_.sliding_window[index]});
  });
}

template <class T>
void CpuRunner<T>::run_layer(std::size_t index, std::span<const TokenSpan> spans) {
  const PackedLayer<T>& layer = layers_[index];
  norm_rows(layer.input_norm.data(), h_.data());
  linear(layer.qkv, h_.data(), num_rows_, qkv_.data());
  store_keys(index);
  attend(index, spans);
  linear(layer.o, attended_.data(), num_rows_, x_.data(), x_.data());
  norm_rows(layer.post_attention_norm.data(), h_.data());
  linear(layer.gate_up, h_.data(), num_rows_, gate_up_.data());
  const std::int64_t inner = config_.intermediate_size;
  pool_.run(num_rows_, [&](std::int64_t r) {
    const T* gate = gate_up_.data() + r * 2 * inner;
    kernels_.silu_multiply(gate, gate + inner, inner, inner_.data() + r * inner);
  });
  linear(layer.down, inner_.data(), num_rows_, x_.data(), x_.data());
}

template <class T>
void CpuRunner<T>::forward(std::span<const TokenSpan> spans, float* logits) {
  embed(spans);
  for (std::size_t i = 0; i < layers_.size(); ++i) run_layer(i, spans);
  std::int64_t row = -1, wanted = 0;
  for (const TokenSpan& span : spans) {
    row += static_cast<std::int64_t>(span.tokens.size());
    if (!span.wants_logits) continue;
    kernels_.rms_norm(x_.data() + row * config_.hidden_size, norm_.data(), config_.hidden_size, static_cast<float>(config_.rms_norm_eps),
                      h_.data() + wanted * config_.hidden_size);
    ++wanted;
  }
  linear(head_, h_.data(), wanted, nullptr, nullptr, logits);
}

}  // namespace

std::int64_t kv_block_bytes(const Decoder& decoder) {
  const DecoderConfig& config = decoder.config;
  const auto bytes = [&](auto layout, std::int64_t size) { return (layout.key_elements() + layout.value_elements()) * size; };
  const std::int64_t one = decoder.embed_tokens.scalar_type() == at::kFloat ? bytes(KvLayout<float>{config.head_dim}, 4)
                                                                             : bytes(KvLayout<Bf16>{config.head_dim}, 2);
  return one * config.num_layers * config.num_kv_heads;
}

std::unique_ptr<Runner> make_runner(const Decoder& decoder, std::int64_t blocks, std::int64_t max_rows, ThreadPool& pool) {
  if (decoder.config.head_dim > kMaxHeadDim || decoder.config.hidden_size % 2 != 0 || decoder.config.intermediate_size % 2 != 0) {
    throw ModelError("the engine needs a head_dim of at most " + std::to_string(kMaxHeadDim) + " (here " +
                     std::to_string(decoder.config.head_dim) + ") and even sizes (hidden " + std::to_string(decoder.config.hidden_size) +
                     ", intermediate " + std::to_string(decoder.config.intermediate_size) + ")");
  }
  if (decoder.embed_tokens.scalar_type() == at::kFloat) return std::make_unique<CpuRunner<float>>(decoder, blocks, max_rows, pool);
  assert(decoder.embed_tokens.scalar_type() == at::kBFloat16);
  return std::make_unique<CpuRunner<Bf16>>(decoder, blocks, max_rows, pool);
}

}  // namespace grm
