// Counter-based random numbers: what is drawn is a pure function of its meaning (seed, purpose, item, sample, position),
// so it does not depend on batch, order, threads or resume. Philox4x32-10: Salmon et al., "Parallel random numbers: as
// easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace grm {

using PhiloxBlock = std::array<std::uint32_t, 4>;

/// Ten rounds of Philox4x32 on one counter.
constexpr PhiloxBlock philox(PhiloxBlock counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// Names one stream of random numbers. Two streams are independent unless all they were made of is equal.
struct StreamKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend constexpr bool operator==(const StreamKey&, const StreamKey&) = default;
};

namespace detail {
/// Absorbs one 64-bit word into a 128-bit state by a Philox round trip.
constexpr StreamKey absorb(StreamKey state, std::uint64_t word) {
  const PhiloxBlock out = philox({static_cast<std::uint32_t>(state.low), static_cast<std::uint32_t>(state.low >> 32),
                                  static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32)},
                                 {static_cast<std::uint32_t>(state.high), static_cast<std::uint32_t>(state.high >> 32)});
  return {(std::uint64_t{out[3]} << 32 | out[2]) ^ state.low, std::uint64_t{out[1]} << 32 | out[0]};
}

/// Absorbs a text, its length first, so that no two splits of one text give the same state.
constexpr StreamKey absorb(StreamKey state, std::string_view text) {
  state = absorb(state, std::uint64_t{text.size()});
  for (std::size_t i = 0; i < text.size(); i += 8) {
    std::uint64_t word = 0;
    for (std::size_t j = i; j < text.size() && j < i + 8; ++j) {
      word |= std::uint64_t{static_cast<unsigned char>(text[j])} << (8 * (j - i));
    }
    state = absorb(state, word);
  }
  return state;
}
}  // namespace detail

/// The stream of (seed, purpose, item, sample).
constexpr StreamKey stream_key(std::uint64_t seed, std::string_view purpose, std::string_view item = {}, std::uint64_t sample = 0) {
  return detail::absorb(detail::absorb(detail::absorb(detail::absorb(StreamKey{}, seed), purpose), item), sample);
}

/// The four words at `position` of a stream; `block` gives further words at the same position.
constexpr PhiloxBlock random_words(const StreamKey& stream, std::uint32_t position, std::uint32_t block = 0) {
  return philox({position, block, static_cast<std::uint32_t>(stream.low), static_cast<std::uint32_t>(stream.low >> 32)},
                {static_cast<std::uint32_t>(stream.high), static_cast<std::uint32_t>(stream.high >> 32)});
}

/// Uniform in [0, 1) with 53 bits.
constexpr double random_uniform(const StreamKey& stream, std::uint32_t position, std::uint32_t block = 0) {
  const PhiloxBlock words = random_words(stream, position, block);
  return static_cast<double>((std::uint64_t{words[1]} << 32 | words[0]) >> 11) * 0x1.0p-53;
}

/// Uniform integer in [0, bound), without modulo bias (Lemire 2019, rejection by further blocks). bound > 0.
constexpr std::uint64_t random_below(const StreamKey& stream, std::uint32_t position, std::uint32_t bound) {
  for (std::uint32_t block = 0;; ++block) {
    const std::uint64_t product = std::uint64_t{random_words(stream, position, block)[0]} * bound;
    if (static_cast<std::uint32_t>(product) >= (0u - bound) % bound) return product >> 32;
  }
}

}  // namespace grm
