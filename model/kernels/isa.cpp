// One copy of the kernels. CMake compiles this file once per instruction set, with GRM_ISA naming the copy.
// Written with the compiler's vector types, so that every copy is the same code; only the bfloat16 product differs.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "model/kernels/kernels.h"

#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

namespace grm::GRM_ISA {
namespace {

using Floats = float __attribute__((vector_size(64), aligned(4), may_alias));
using Ints = std::int32_t __attribute__((vector_size(64), aligned(4), may_alias));
using Halves = std::uint16_t __attribute__((vector_size(32), aligned(2), may_alias));
using Words = std::uint32_t __attribute__((vector_size(64), aligned(4), may_alias));
constexpr std::int64_t kLanes = 16;

// Rows of the register tile: rows × 4 accumulators must fit the registers.
#ifdef __AVX512F__
constexpr int kTileRows = 6;
#else
constexpr int kTileRows = 2;
#endif
constexpr int kAttendRows = 24;  // rows that share one pass over a key-value block

Floats load(const float* p) { return *reinterpret_cast<const Floats*>(p); }
Floats load(const Bf16* p) {
  return std::bit_cast<Floats>(__builtin_convertvector(*reinterpret_cast<const Halves*>(p), Words) << 16);
}
void store(float* p, Floats v) { *reinterpret_cast<Floats*>(p) = v; }
void store(Bf16* p, Floats v) {  // to nearest, ties to even; NaN stays NaN
  const Words bits = std::bit_cast<Words>(v);
  const Words rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const Words quiet = (bits >> 16) | 0x40u;
  const Words is_nan = std::bit_cast<Words>(v != v);
  *reinterpret_cast<Halves*>(p) = __builtin_convertvector((rounded & ~is_nan) | (quiet & is_nan), Halves);
}
float to_float(float x) { return x; }
float to_float(Bf16 x) { return std::bit_cast<float>(std::uint32_t{x.bits} << 16); }
void from_float(float x, float& out) { out = x; }
void from_float(float x, Bf16& out) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  out.bits = static_cast<std::uint16_t>(std::isnan(x) ? (bits >> 16) | 0x40u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
template <class T>
float rounded(float x) {
  T out;
  from_float(x, out);
  return to_float(out);
}
template <class T>
Floats rounded(Floats x) {
  T out[kLanes];
  store(out, x);
  return load(out);
}

// acc += a[step] · b[step][lanes] over the elements of one step.
#ifdef __AVX512BF16__
using Operand = __m512i;
Operand load_operand(const Bf16* b) { return _mm512_loadu_si512(b); }
Operand spread(const Bf16* a) {
  std::int32_t pair;
  std::memcpy(&pair, a, sizeof pair);
  return _mm512_set1_epi32(pair);
}
Floats multiply_add(Floats acc, Operand a, Operand b) {
  return std::bit_cast<Floats>(_mm512_dpbf16_ps(std::bit_cast<__m512>(acc), std::bit_cast<__m512bh>(a), std::bit_cast<__m512bh>(b)));
}
#else
struct Operand {
  Floats even, odd;
};
Operand load_operand(const Bf16* b) {
  const Words pairs = *reinterpret_cast<const Words*>(b);
  return {std::bit_cast<Floats>(pairs << 16), std::bit_cast<Floats>(pairs & 0xffff0000u)};
}
Operand spread(const Bf16* a) { return {Floats{} + to_float(a[0]), Floats{} + to_float(a[1])}; }
Floats multiply_add(Floats acc, const Operand& a, const Operand& b) { return (acc + a.even * b.even) + a.odd * b.odd; }
#endif
Floats load_operand(const float* b) { return load(b); }
Floats spread(const float* a) { return Floats{} + *a; }
Floats multiply_add(Floats acc, Floats a, Floats b) { return acc + a * b; }

// c[Rows][16·Vectors] (+)= a[Rows][steps] · b[steps][16·Vectors]. Strides: a in elements, b in elements a step, c in floats.
template <int Rows, int Vectors, bool Accumulate, class T>
void tile(const T* a, std::int64_t a_stride, const T* b, std::int64_t b_stride, std::int64_t steps, float* c, std::int64_t c_stride) {
  Floats acc[Rows][Vectors];
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) acc[r][v] = Accumulate ? load(c + r * c_stride + v * kLanes) : Floats{};
  }
  for (std::int64_t s = 0; s < steps; ++s) {
    decltype(load_operand(b)) columns[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) columns[v] = load_operand(b + s * b_stride + v * kLanes * kStep<T>);
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
      const auto row = spread(a + r * a_stride + s * kStep<T>);
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) acc[r][v] = multiply_add(acc[r][v], row, columns[v]);
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) store(c + r * c_stride + v * kLanes, acc[r][v]);
  }
}

template <int Vectors, bool Accumulate, class T>
void tile_rows(std::int64_t rows, const T* a, std::int64_t a_stride, const T* b, std::int64_t b_stride, std::int64_t steps, float* c,
               std::int64_t c_stride) {
  switch (rows) {
    case 1: return tile<1, Vectors, Accumulate>(a, a_stride, b, b_stride, steps, c, c_stride);
    case 2: return tile<2, Vectors, Accumulate>(a, a_stride, b, b_stride, steps, c, c_stride);
#ifdef __AVX512F__
    case 3: return tile<3, Vectors, Accumulate>(a, a_stride, b, b_stride, steps, c, c_stride);
    case 4: return tile<4, Vectors, Accumulate>(a, a_stride, b, b_stride, steps, c, c_stride);
    case 5: return tile<5, Vectors, Accumulate>(a, a_stride, b, b_stride, steps, c, c_stride);
    case 6: return tile<6, Vectors, Accumulate>(a, a_stride, b, b_stride, steps, c, c_stride);
#endif
    default: __builtin_unreachable();
  }
}

// Any number of rows and of column vectors.
template <bool Accumulate, class T>
void multiply(std::int64_t rows, std::int64_t columns, const T* a, std::int64_t a_stride, const T* b, std::int64_t b_stride,
              std::int64_t steps, float* c, std::int64_t c_stride) {
  for (std::int64_t r = 0; r < rows; r += kTileRows) {
    const std::int64_t count = std::min<std::int64_t>(kTileRows, rows - r);
    for (std::int64_t n = 0; n < columns; n += kPanel) {
      const T* a_r = a + r * a_stride;
      const T* b_n = b + n * kStep<T>;
      float* c_rn = c + r * c_stride + n;
      switch (std::min<std::int64_t>(4, (columns - n) / kLanes)) {
        case 1: tile_rows<1, Accumulate>(count, a_r, a_stride, b_n, b_stride, steps, c_rn, c_stride); break;
        case 2: tile_rows<2, Accumulate>(count, a_r, a_stride, b_n, b_stride, steps, c_rn, c_stride); break;
        case 3: tile_rows<3, Accumulate>(count, a_r, a_stride, b_n, b_stride, steps, c_rn, c_stride); break;
        default: tile_rows<4, Accumulate>(count, a_r, a_stride, b_n, b_stride, steps, c_rn, c_stride); break;
      }
    }
  }
}

// Bias and residual are added in float, each sum rounded to T as separate layers would.
template <class T>
void finish_row(const LinearArgs<T>& args, const float* sums, std::int64_t row, std::int64_t column, std::int64_t count) {
  const std::int64_t at = row * args.out_stride + column;
  if (count == kPanel && args.out != nullptr && args.bias == nullptr) {
    for (std::int64_t i = 0; i < kPanel; i += kLanes) {
      Floats value = load(sums + i);
      if (args.residual != nullptr) value = rounded<T>(value) + load(args.residual + at + i);
      store(args.out + at + i, value);
    }
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    float value = sums[i] + (args.bias != nullptr ? to_float(args.bias[column + i]) : 0.0f);
    if (args.residual != nullptr) value = rounded<T>(value) + to_float(args.residual[at + i]);
    if (args.out != nullptr) {
      from_float(value, args.out[at + i]);
    } else {
      args.out_float[at + i] = value;
    }
  }
}

template <class T>
void linear(const LinearArgs<T>& args, std::int64_t row_begin, std::int64_t row_end, std::int64_t panel_begin, std::int64_t panel_end) {
  alignas(64) float sums[kTileRows * kPanel];
  for (std::int64_t panel = panel_begin; panel < panel_end; ++panel) {
    const T* w = args.w.data + panel * args.w.panel_elements();
    const std::int64_t count = std::min(kPanel, args.w.n - panel * kPanel);
    for (std::int64_t r = row_begin; r < row_end; r += kTileRows) {
      const std::int64_t rows = std::min<std::int64_t>(kTileRows, row_end - r);
      tile_rows<4, false>(rows, args.a + r * args.a_stride, args.a_stride, w, kPanel * kStep<T>, args.w.steps(), sums, kPanel);
      for (std::int64_t i = 0; i < rows; ++i) finish_row(args, sums + i * kPanel, r + i, panel * kPanel, count);
    }
  }
}

// e^x, relative error below 2e-7 for x in [-87, 88]; 0 below. Cephes' reduction and polynomial degree.
Floats exponential(Floats x) {
  const Floats limited = x > 88.0f ? Floats{} + 88.0f : x;
  const Floats clamped = limited < -87.0f ? Floats{} - 87.0f : limited;
  const Floats shifted = clamped * 1.44269504088896341f + 12582912.0f;  // 1.5 · 2^23: the integer ends up in the low bits
  const Floats n = shifted - 12582912.0f;
  const Floats r = (clamped - n * 0.693359375f) - n * -2.12194440e-4f;
  Floats p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const Ints exponent = (std::bit_cast<Ints>(shifted) - 0x4b400000) << 23;
  const Floats value = std::bit_cast<Floats>(std::bit_cast<Ints>(p) + exponent);
  return x < -87.0f ? Floats{} : value;
}

float sum_lanes(Floats v) {
  float total = 0;
  for (int width = 8; width >= 1; width /= 2) {
    for (int i = 0; i < width; ++i) v[i] += v[i + width];
  }
  total = v[0];
  return total;
}
float max_lanes(Floats v) {
  for (int width = 8; width >= 1; width /= 2) {
    for (int i = 0; i < width; ++i) v[i] = std::max(v[i], v[i + width]);
  }
  return v[0];
}

// Running softmax of one query row: O = Σ p·v with p = e^(s − maximum).
struct Running {
  float maximum = -1e30f;  // finite, so that a row whose keys so far are all masked stays exact
  float sum = 0;
};

// Turns one row of scores into probabilities; keys outside [first, last] (relative to the block) are masked.
template <class T>
void soften(float* scores, float scale, std::int64_t first, std::int64_t last, Running& running, float* out, std::int64_t out_columns,
            T* probabilities) {
  const Ints lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  Floats scaled[kPanel / kLanes];
  Floats highest = Floats{} - 1e30f;
  for (std::int64_t i = 0; i < kPanel / kLanes; ++i) {
    const Ints key = lane + static_cast<std::int32_t>(i * kLanes);
    const Ints seen = (key >= static_cast<std::int32_t>(first)) & (key <= static_cast<std::int32_t>(last));
    scaled[i] = seen ? load(scores + i * kLanes) * scale : Floats{} - INFINITY;
    highest = scaled[i] > highest ? scaled[i] : highest;
  }
  const float maximum = std::max(running.maximum, max_lanes(highest));
  Floats sums = {};
  for (std::int64_t i = 0; i < kPanel / kLanes; ++i) {
    const Floats p = exponential(scaled[i] - maximum);
    sums += p;
    store(probabilities + i * kLanes, p);
  }
  if (maximum != running.maximum) {
    const float shrink = exponential(Floats{} + (running.maximum - maximum))[0];
    running.sum *= shrink;
    for (std::int64_t d = 0; d < out_columns; d += kLanes) store(out + d, load(out + d) * shrink);
    running.maximum = maximum;
  }
  running.sum += sum_lanes(sums);
}

// Up to kAttendRows rows (token, head of the group), row-major by token.
template <class T>
void attend_rows(const AttendArgs<T>& args, std::int64_t row_begin, std::int64_t rows) {
  alignas(64) T queries[kAttendRows * kMaxHeadDim];
  alignas(64) float scores[kAttendRows * kPanel];
  alignas(64) T probabilities[kAttendRows * kPanel];
  alignas(64) float out[kAttendRows * kMaxHeadDim];
  const std::int64_t dim = args.layout.head_dim, padded = args.layout.padded_dim();
  const auto position = [&](std::int64_t row) { return args.first_position + (row_begin + row) / args.group; };
  const auto at = [&](std::int64_t row, std::int64_t stride) {
    return (row_begin + row) / args.group * stride + (row_begin + row) % args.group * dim;
  };
  Running running[kAttendRows];
  for (std::int64_t r = 0; r < rows; ++r) std::copy_n(args.q + at(r, args.q_stride), dim, queries + r * dim);
  std::fill_n(out, rows * padded, 0.0f);
  const std::int64_t first_key = args.window > 0 ? std::max<std::int64_t>(0, position(0) - args.window + 1) : 0;
  for (std::int64_t block = first_key / kPanel; block <= position(rows - 1) / kPanel; ++block) {
    const T* keys = args.keys + args.blocks[block] * args.key_block_stride;
    const T* values = args.values + args.blocks[block] * args.value_block_stride;
    multiply<false>(rows, kPanel, queries, dim, keys, kPanel * kStep<T>, dim / kStep<T>, scores, kPanel);
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t last = position(r) - block * kPanel;
      const std::int64_t first = args.window > 0 ? last - args.window + 1 : 0;
      soften(scores + r * kPanel, args.scale, first, last, running[r], out + r * padded, padded, probabilities + r * kPanel);
    }
    multiply<true>(rows, padded, probabilities, kPanel, values, padded * kStep<T>, kPanel / kStep<T>, out, padded);
  }
  for (std::int64_t r = 0; r < rows; ++r) {
    T* target = args.out + at(r, args.out_stride);
    for (std::int64_t d = 0; d < dim; ++d) from_float(out[r * padded + d] / running[r].sum, target[d]);
  }
}

template <class T>
void attend(const AttendArgs<T>& args) {
  const std::int64_t rows = args.tokens * args.group;
  for (std::int64_t r = 0; r < rows; r += kAttendRows) attend_rows(args, r, std::min<std::int64_t>(kAttendRows, rows - r));
}

template <class T>
void rms_norm(const T* x, const T* weight, std::int64_t n, float eps, T* out) {
  Floats squares = {};
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) squares += load(x + i) * load(x + i);
  float sum = sum_lanes(squares);
  for (; i < n; ++i) sum += to_float(x[i]) * to_float(x[i]);
  const float factor = 1.0f / std::sqrt(sum / static_cast<float>(n) + eps);
  for (i = 0; i + kLanes <= n; i += kLanes) store(out + i, load(weight + i) * rounded<T>(load(x + i) * factor));
  for (; i < n; ++i) from_float(to_float(weight[i]) * rounded<T>(to_float(x[i]) * factor), out[i]);
}

template <class T>
void rotate(T* x, const float* cosines, const float* sines, std::int64_t head_dim) {
  const std::int64_t half = head_dim / 2;
  for (std::int64_t i = 0; i < half; ++i) {
    const float a = to_float(x[i]), b = to_float(x[i + half]);
    from_float(a * cosines[i] - b * sines[i], x[i]);
    from_float(b * cosines[i] + a * sines[i], x[i + half]);
  }
}

template <class T>
void silu_multiply(const T* gate, const T* up, std::int64_t n, T* out) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Floats g = load(gate + i);
    store(out + i, rounded<T>(g / (exponential(-g) + 1.0f)) * load(up + i));
  }
  for (; i < n; ++i) {
    const float g = to_float(gate[i]);
    from_float(rounded<T>(g / (exponential(Floats{} - g)[0] + 1.0f)) * to_float(up[i]), out[i]);
  }
}

}  // namespace

extern const Kernels<float> kFloatKernels;
extern const Kernels<Bf16> kBf16Kernels;
const Kernels<float> kFloatKernels = {linear<float>, attend<float>, rms_norm<float>, rotate<float>, silu_multiply<float>};
const Kernels<Bf16> kBf16Kernels = {linear<Bf16>, attend<Bf16>, rms_norm<Bf16>, rotate<Bf16>, silu_multiply<Bf16>};

}  // namespace grm::GRM_ISA
