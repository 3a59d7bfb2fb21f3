#include "model/engine/block_manager.h"

#include <gtest/gtest.h>

#include <numeric>

namespace grm {
namespace {

Sequence sequence_of(std::int32_t first, std::int64_t length) {
  Sequence sequence;
  sequence.request.prompt.resize(static_cast<std::size_t>(length));
  std::iota(sequence.request.prompt.begin(), sequence.request.prompt.end(), first);
  sequence.tokens = sequence.request.prompt;
  return sequence;
}

void compute(BlockManager& blocks, Sequence& sequence) {
  ASSERT_TRUE(blocks.reserve(sequence, sequence.size()));
  const std::int64_t before = sequence.computed;
  sequence.computed = sequence.size();
  blocks.publish(sequence, before);
}

TEST(BlockManager, SharesFullBlocksButNeverTheLastToken) {
  BlockManager blocks(10);
  Sequence a = sequence_of(0, 128);
  compute(blocks, a);
  Sequence same = sequence_of(0, 128);
  blocks.share_prefix(same);
  EXPECT_EQ(same.computed, 64);
  EXPECT_EQ(same.blocks[0], a.blocks[0]);
  Sequence longer = sequence_of(0, 129);
  blocks.share_prefix(longer);
  EXPECT_EQ(longer.computed, 128);
  Sequence other = sequence_of(1, 129);
  blocks.share_prefix(other);
  EXPECT_EQ(other.computed, 0);
}

TEST(BlockManager, ASecondBlockIsOnlySharedAfterItsOwnFirst) {
  BlockManager blocks(10);
  Sequence a = sequence_of(0, 128);
  compute(blocks, a);
  Sequence b = sequence_of(0, 130);
  b.tokens[3] = 7;  // another beginning, the same second block
  blocks.share_prefix(b);
  EXPECT_EQ(b.computed, 0);
}

TEST(BlockManager, FreedBlocksStayFindableUntilTakenAgain) {
  BlockManager blocks(4);
  Sequence a = sequence_of(0, 128);
  compute(blocks, a);
  blocks.release(a);
  EXPECT_EQ(blocks.free_blocks(), 4);
  Sequence again = sequence_of(0, 130);
  blocks.share_prefix(again);
  EXPECT_EQ(again.computed, 128);
  EXPECT_EQ(blocks.free_blocks(), 2);
  blocks.release(again);
  Sequence other = sequence_of(1000, 256);
  compute(blocks, other);  // takes all four
  blocks.release(other);
  Sequence third = sequence_of(0, 130);
  blocks.share_prefix(third);
  EXPECT_EQ(third.computed, 0);
}

TEST(BlockManager, ReserveTakesAllOrNothing) {
  BlockManager blocks(3);
  Sequence a = sequence_of(0, 1);
  EXPECT_FALSE(blocks.reserve(a, 4 * 64));
  EXPECT_TRUE(a.blocks.empty());
  EXPECT_TRUE(blocks.reserve(a, 3 * 64));
  Sequence b = sequence_of(0, 1);
  EXPECT_FALSE(blocks.reserve(b, 1));
  blocks.release(a);
  EXPECT_TRUE(blocks.reserve(b, 1));
}

}  // namespace
}  // namespace grm
