#include "harness/random/philox.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace grm {
namespace {

// Known answers of philox4x32, 10 rounds, from the Random123 distribution (kat_vectors).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(StreamKey, EveryPartCounts) {
  std::set<std::pair<std::uint64_t, std::uint64_t>> keys;
  const std::vector<StreamKey> streams = {
      stream_key(0, "order", "a", 0),  stream_key(1, "order", "a", 0),  stream_key(0, "sampling", "a", 0),
      stream_key(0, "order", "b", 0),  stream_key(0, "order", "a", 1),  stream_key(0, "ordera", "", 0),
      stream_key(0, "orde", "ra", 0),  stream_key(0, "", "ordera", 0),  stream_key(0, "order", std::string("a\0", 2), 0)};
  for (const StreamKey& s : streams) keys.insert({s.high, s.low});
  EXPECT_EQ(keys.size(), streams.size());
}

TEST(RandomUniform, MomentsAndRange) {
  const StreamKey stream = stream_key(7, "test");
  double sum = 0, squares = 0;
  constexpr int n = 100000;
  for (std::uint32_t i = 0; i < n; ++i) {
    const double u = random_uniform(stream, i);
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    squares += u * u;
  }
  EXPECT_NEAR(sum / n, 0.5, 4 * std::sqrt(1.0 / 12 / n));
  EXPECT_NEAR(squares / n, 1.0 / 3, 4 * std::sqrt(4.0 / 45 / n));
}

TEST(RandomBelow, EveryValueEquallyOften) {
  const StreamKey stream = stream_key(7, "test");
  std::vector<int> counts(6);
  constexpr int n = 60000;
  for (std::uint32_t i = 0; i < n; ++i) ++counts.at(random_below(stream, i, 6));
  for (int count : counts) EXPECT_NEAR(count, n / 6, 4 * std::sqrt(n * 5.0 / 36));
}

}  // namespace
}  // namespace grm
