// RoPE frequencies as transformers computes them (modeling_rope_utils.py, 5.23): which steps run in double and which in fp32,
// and that a scalar over a tensor is a reciprocal and a product, decide the last bits.
#include <cmath>
#include <numbers>

#include <ATen/ATen.h>

#include "model/decoder/config.h"

namespace grm {
namespace {

// theta^(2k / head_dim), fp32.
at::Tensor position_frequencies(double theta, std::int64_t head_dim) {
  const at::Tensor exponents = at::arange(0, head_dim, 2, at::kLong).to(at::kFloat).div(at::Scalar(head_dim));
  return at::pow(at::Scalar(theta), exponents);
}

at::Tensor llama3_frequencies(const RopeConfig& rope, const at::Tensor& plain) {
  const auto context = static_cast<double>(rope.original_max_position);
  const double low_wavelength = context / rope.low_freq_factor;
  const double high_wavelength = context / rope.high_freq_factor;
  const at::Tensor wavelength = plain.reciprocal().mul(2 * std::numbers::pi);
  const at::Tensor is_low = wavelength.gt(low_wavelength);
  const at::Tensor scaled = at::where(is_low, plain.div(rope.factor), plain);
  const at::Tensor smooth = wavelength.reciprocal().mul(context).sub(rope.low_freq_factor)
                                .div(rope.high_freq_factor - rope.low_freq_factor);
  const at::Tensor smoothed = at::rsub(smooth, 1).mul(scaled).div(rope.factor).add(smooth.mul(scaled));
  const at::Tensor is_medium = wavelength.lt(high_wavelength).logical_not().logical_and(is_low.logical_not());
  return at::where(is_medium, smoothed, scaled);
}

at::Tensor yarn_frequencies(const RopeConfig& rope, std::int64_t head_dim) {
  const auto dim = static_cast<double>(head_dim);
  const auto correction_dim = [&](double rotations) {
    return dim * std::log(static_cast<double>(rope.original_max_position) / (rotations * 2 * std::numbers::pi)) /
           (2 * std::log(rope.theta));
  };
  double low = correction_dim(rope.beta_fast);
  double high = correction_dim(rope.beta_slow);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high) high += 0.001;  // no division by zero, as in the original

  const at::Tensor powers = position_frequencies(rope.theta, head_dim);
  const at::Tensor extrapolation = powers.reciprocal();
  const at::Tensor interpolation = powers.mul(rope.factor).reciprocal();
  const at::Tensor ramp = at::arange(head_dim / 2, at::kFloat).sub(low).div(high - low).clamp(0, 1);
  const at::Tensor keep = at::rsub(ramp, 1);
  return interpolation.mul(at::rsub(keep, 1)).add(extrapolation.mul(keep));
}

double yarn_mscale(double scale, double mscale) { return scale <= 1 ? 1.0 : 0.1 * mscale * std::log(scale) + 1.0; }

}  // namespace

at::Tensor rope_inverse_frequencies(const RopeConfig& rope, std::int64_t head_dim) {
  if (rope.type == RopeType::kYarn) return yarn_frequencies(rope, head_dim);
  const at::Tensor plain = position_frequencies(rope.theta, head_dim).reciprocal();
  if (rope.type == RopeType::kLinear) return plain.div(rope.factor);
  if (rope.type == RopeType::kLlama3) return llama3_frequencies(rope, plain);
  return plain;
}

double rope_attention_scale(const RopeConfig& rope) {
  if (rope.type != RopeType::kYarn) return 1;
  if (rope.attention_factor) return *rope.attention_factor;
  if (rope.mscale != 0 && rope.mscale_all_dim != 0) {
    return yarn_mscale(rope.factor, rope.mscale) / yarn_mscale(rope.factor, rope.mscale_all_dim);
  }
  return yarn_mscale(rope.factor, 1);
}

}  // namespace grm
