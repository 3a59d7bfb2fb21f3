#include "model/kernels/kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "harness/random/philox.h"

namespace grm {
namespace {

float to_float(float x) { return x; }
float to_float(Bf16 x) { return std::bit_cast<float>(std::uint32_t{x.bits} << 16); }
void from_float(float x, float& out) { out = x; }
void from_float(float x, Bf16& out) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  out.bits = static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

template <class T>
std::vector<T> random_values(std::size_t count, const char* name) {
  std::vector<T> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    from_float(static_cast<float>(random_uniform(stream_key(1, name), static_cast<std::uint32_t>(i)) * 2 - 1), values[i]);
  }
  return values;
}

// Half a unit in the last place of the stored type, and the float sums' own error.
template <class T>
double tolerance(double size, double terms) {
  return size * (sizeof(T) == 2 ? 0x1.0p-8 : 0x1.0p-23) + terms * 0x1.0p-24;
}

template <class T>
class KernelsTest : public testing::Test {};
using Types = testing::Types<float, Bf16>;
TYPED_TEST_SUITE(KernelsTest, Types);

TYPED_TEST(KernelsTest, LinearIsTheDotProductWhateverTheRowsOfTheCall) {
  using T = TypeParam;
  constexpr std::int64_t rows = 23;
  for (const auto& [n, k] : {std::pair<std::int64_t, std::int64_t>{64, 48}, {100, 30}, {7, 576}}) {
    const auto a = random_values<T>(static_cast<std::size_t>(rows * k), "a"), w = random_values<T>(static_cast<std::size_t>(n * k), "w");
    const auto bias = random_values<T>(static_cast<std::size_t>(n), "bias"), residual = random_values<T>(static_cast<std::size_t>(rows * n), "residual");
    const PackedMatrix<T> shape{nullptr, n, k};
    std::vector<T> packed(static_cast<std::size_t>(shape.panels() * shape.panel_elements()));
    pack_matrix(w.data(), n, k, packed.data());
    std::vector<T> together(static_cast<std::size_t>(rows * n)), alone(together.size());
    LinearArgs<T> args{a.data(), k, {packed.data(), n, k}, bias.data(), residual.data(), together.data(), nullptr, n};
    kernels<T>().linear(args, 0, rows, 0, shape.panels());
    args.out = alone.data();
    for (std::int64_t r = rows - 1; r >= 0; --r) kernels<T>().linear(args, r, r + 1, 0, shape.panels());
    EXPECT_EQ(std::memcmp(together.data(), alone.data(), alone.size() * sizeof(T)), 0);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t c = 0; c < n; ++c) {
        double sum = to_float(bias[static_cast<std::size_t>(c)]), size = std::abs(sum);
        for (std::int64_t i = 0; i < k; ++i) {
          const double product = double{to_float(a[static_cast<std::size_t>(r * k + i)])} * to_float(w[static_cast<std::size_t>(c * k + i)]);
          sum += product;
          size += std::abs(product);
        }
        const double expected = sum + to_float(residual[static_cast<std::size_t>(r * n + c)]);
        EXPECT_NEAR(to_float(together[static_cast<std::size_t>(r * n + c)]), expected, tolerance<T>(std::abs(sum) + std::abs(expected), size * 8));
      }
    }
  }
}

// A context of `length` tokens in scattered blocks, all query rows at once or one by one.
template <class T>
struct AttentionCase {
  std::int64_t length, dim, group, window;
  KvLayout<T> layout{dim};
  std::vector<T> q, k, v, key_pool, value_pool;
  std::vector<std::int32_t> blocks;

  AttentionCase(std::int64_t length_, std::int64_t dim_, std::int64_t group_, std::int64_t window_)
      : length(length_), dim(dim_), group(group_), window(window_) {
    q = random_values<T>(static_cast<std::size_t>(length * group * dim), "q");
    k = random_values<T>(static_cast<std::size_t>(length * dim), "k");
    v = random_values<T>(static_cast<std::size_t>(length * dim), "v");
    const std::int64_t count = (length + kPanel - 1) / kPanel;
    key_pool.resize(static_cast<std::size_t>(count * layout.key_elements()));
    value_pool.resize(static_cast<std::size_t>(count * layout.value_elements()));
    for (std::int64_t b = 0; b < count; ++b) blocks.push_back(static_cast<std::int32_t>(count - 1 - b));
    for (std::int64_t t = 0; t < length; ++t) {
      const std::int64_t block = blocks[static_cast<std::size_t>(t / kPanel)];
      store_key_value(layout, k.data() + t * dim, v.data() + t * dim, t % kPanel, key_pool.data() + block * layout.key_elements(),
                      value_pool.data() + block * layout.value_elements());
    }
  }
  void attend(std::int64_t first, std::int64_t tokens, std::vector<T>& out) const {
    kernels<T>().attend({q.data() + first * group * dim, group * dim, out.data() + first * group * dim, group * dim, tokens, first, group, layout,
                         key_pool.data(), value_pool.data(), layout.key_elements(), layout.value_elements(), blocks.data(),
                         static_cast<float>(1 / std::sqrt(static_cast<double>(dim))), window});
  }
  double expected(std::int64_t t, std::int64_t g, std::int64_t d) const {
    double total = 0, sum = 0;
    for (std::int64_t j = window > 0 ? std::max<std::int64_t>(0, t - window + 1) : 0; j <= t; ++j) {
      double score = 0;
      for (std::int64_t i = 0; i < dim; ++i) {
        score += double{to_float(q[static_cast<std::size_t>((t * group + g) * dim + i)])} * to_float(k[static_cast<std::size_t>(j * dim + i)]);
      }
      const double p = std::exp(score / std::sqrt(static_cast<double>(dim)));
      total += p;
      sum += p * to_float(v[static_cast<std::size_t>(j * dim + d)]);
    }
    return sum / total;
  }
};

TYPED_TEST(KernelsTest, AttentionIsSoftmaxWhetherByPrefillOrByDecode) {
  using T = TypeParam;
  for (const auto& [length, dim, group, window] : {std::array<std::int64_t, 4>{150, 64, 3, 0}, {70, 24, 1, 0}, {65, 80, 4, 0}, {200, 16, 2, 70}, {130, 128, 8, 5}}) {
    const AttentionCase<T> one(length, dim, group, window);
    std::vector<T> prefill(one.q.size()), decode(one.q.size());
    one.attend(0, length, prefill);
    for (std::int64_t t = 0; t < length; ++t) one.attend(t, 1, decode);
    EXPECT_EQ(std::memcmp(prefill.data(), decode.data(), prefill.size() * sizeof(T)), 0) << length << " " << dim;
    for (std::int64_t t = 0; t < length; t += 7) {
      for (std::int64_t d = 0; d < dim; d += 5) {
        EXPECT_NEAR(to_float(prefill[static_cast<std::size_t>((t * group + group - 1) * dim + d)]), one.expected(t, group - 1, d), tolerance<T>(1, 40))
            << length << " " << dim << " " << t << " " << d;
      }
    }
  }
}

TYPED_TEST(KernelsTest, NormRotationAndGate) {
  using T = TypeParam;
  constexpr std::int64_t n = 70;
  const auto x = random_values<T>(n, "x"), w = random_values<T>(n, "w");
  std::vector<T> out(n);
  kernels<T>().rms_norm(x.data(), w.data(), n, 1e-5f, out.data());
  double squares = 0;
  for (const T value : x) squares += double{to_float(value)} * to_float(value);
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_NEAR(to_float(out[i]), to_float(w[i]) * to_float(x[i]) / std::sqrt(squares / n + 1e-5), tolerance<T>(4, 8));
  }
  kernels<T>().silu_multiply(x.data(), w.data(), n, out.data());
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_NEAR(to_float(out[i]), to_float(x[i]) / (1 + std::exp(-double{to_float(x[i])})) * to_float(w[i]), tolerance<T>(2, 8));
  }
  std::vector<float> cosines(n / 2), sines(n / 2);
  for (std::size_t i = 0; i < n / 2; ++i) {
    cosines[i] = std::cos(static_cast<float>(i));
    sines[i] = std::sin(static_cast<float>(i));
  }
  out = x;
  kernels<T>().rotate(out.data(), cosines.data(), sines.data(), n);
  for (std::size_t i = 0; i < n / 2; ++i) {
    EXPECT_NEAR(to_float(out[i]), to_float(x[i]) * cosines[i] - to_float(x[i + n / 2]) * sines[i], tolerance<T>(2, 4));
    EXPECT_NEAR(to_float(out[i + n / 2]), to_float(x[i + n / 2]) * cosines[i] + to_float(x[i]) * sines[i], tolerance<T>(2, 4));
  }
}

TEST(Kernels, SiluAtTheEnds) {
  const std::vector<float> gate = {-200, -90, -1e-20f, 0, 90, 300, 1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
  const std::vector<float> up(16, 1.0f);
  std::vector<float> out(16);
  kernels<float>().silu_multiply(gate.data(), up.data(), 16, out.data());
  EXPECT_NEAR(out[0], 0, 1e-30);
  EXPECT_EQ(out[3], 0);
  EXPECT_FLOAT_EQ(out[4], 90);
  EXPECT_FLOAT_EQ(out[5], 300);
  EXPECT_NEAR(out[7], -0.26894142, 1e-7);
}

}  // namespace
}  // namespace grm
