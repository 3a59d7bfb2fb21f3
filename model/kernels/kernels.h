// The CPU kernels of the engine. Every output row is computed from its own input row alone, in an order fixed by the
// model's dimensions: results do not depend on how many rows a call has, on their neighbours, on threads, or on whether
// a token came by prefill or by decode. That is what makes the engine batch-invariant without a slow mode.
//
// Letters in shapes: R rows (tokens), K input features, N output features, H query heads, G query heads per key head,
// D head dimension, Dp = D rounded up to a multiple of 16, P = kPanel.
#pragma once

#include <cstdint>
#include <string_view>

namespace grm {

/// bfloat16 as stored; arithmetic is in float.
struct Bf16 {
  std::uint16_t bits;
};

/// Columns of a weight panel and tokens of a key-value block: one number, so that linear layers and attention share the
/// inner kernel.
inline constexpr std::int64_t kPanel = 64;

/// The attention kernel keeps its rows on the stack.
inline constexpr std::int64_t kMaxHeadDim = 256;

/// Elements along the reduced dimension that the inner kernel takes at a time.
template <class T>
inline constexpr std::int64_t kStep = sizeof(T) == 2 ? 2 : 1;

/// A weight [N, K] as panels [N/P][K/step][P][step], zero-padded.
template <class T>
struct PackedMatrix {
  const T* data = nullptr;
  std::int64_t n = 0;
  std::int64_t k = 0;
  std::int64_t panels() const { return (n + kPanel - 1) / kPanel; }
  std::int64_t steps() const { return (k + kStep<T> - 1) / kStep<T>; }
  std::int64_t panel_elements() const { return steps() * kStep<T> * kPanel; }
};

/// out[R, N] = a[R, K] · wᵀ (+ bias[N]) (+ residual[R, N]). Row strides are in elements; K is even for Bf16.
/// Exactly one of out and out_float is set.
template <class T>
struct LinearArgs {
  const T* a;
  std::int64_t a_stride;
  PackedMatrix<T> w;
  const T* bias;
  const T* residual;
  T* out;
  float* out_float;
  std::int64_t out_stride;
};

/// A key-value block holds kPanel tokens of one key head: keys [D/step][P][step], values [P/step][Dp][step].
template <class T>
struct KvLayout {
  std::int64_t head_dim;
  std::int64_t padded_dim() const { return (head_dim + 15) / 16 * 16; }
  std::int64_t key_elements() const { return (head_dim + kStep<T> - 1) / kStep<T> * kStep<T> * kPanel; }
  std::int64_t value_elements() const { return kPanel * padded_dim(); }
};

/// Attention of consecutive tokens of one sequence, all query heads of one key head.
/// q and out: the token's row begins at q + token * q_stride, the head's at + g * D. `window` 0: full causal attention,
/// else a query at position p sees keys in (p − window, p].
template <class T>
struct AttendArgs {
  const T* q;
  std::int64_t q_stride;
  T* out;
  std::int64_t out_stride;
  std::int64_t tokens;
  std::int64_t first_position;
  std::int64_t group;
  KvLayout<T> layout;
  const T* keys;                // this layer and key head; block b begins at keys + blocks[b] * key_block_stride
  const T* values;
  std::int64_t key_block_stride;
  std::int64_t value_block_stride;
  const std::int32_t* blocks;
  float scale;
  std::int64_t window;
};

template <class T>
struct Kernels {
  /// Rows [row_begin, row_end) of panels [panel_begin, panel_end).
  void (*linear)(const LinearArgs<T>&, std::int64_t row_begin, std::int64_t row_end, std::int64_t panel_begin,
                 std::int64_t panel_end);
  void (*attend)(const AttendArgs<T>&);
  /// out[n] = weight · round(x / sqrt(mean(x²) + eps)), over one row. In place is allowed.
  void (*rms_norm)(const T* x, const T* weight, std::int64_t n, float eps, T* out);
  /// Rotates one head in place, halves apart (not interleaved): x[D], cosines[D/2], sines[D/2].
  void (*rotate)(T* x, const float* cosines, const float* sines, std::int64_t head_dim);
  /// out[n] = silu(gate[n]) · up[n].
  void (*silu_multiply)(const T* gate, const T* up, std::int64_t n, T* out);
};

/// The kernels of the best instruction set this CPU has; GRM_ISA=avx512bf16|avx512|avx2|generic asks for a lesser one. `amx` has
/// the kernels of avx512bf16: the runner leaves its bfloat16 linear layers to oneDNN, whose tiles are several times faster there.
template <class T>
const Kernels<T>& kernels();

/// Which one that is.
std::string_view kernel_isa();

/// Writes a row-major weight [N, K] in packed form; `packed` has w.panels() * w.panel_elements() elements.
template <class T>
void pack_matrix(const T* w, std::int64_t n, std::int64_t k, T* packed);

/// Stores one token's key and value head (D elements each) into slot `slot` of a block.
template <class T>
void store_key_value(const KvLayout<T>& layout, const T* key, const T* value, std::int64_t slot, T* key_block, T* value_block);

}  // namespace grm
