// Who owns which block of the key-value pool, and which full blocks can be shared by their content.
#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <unordered_map>
#include <vector>

#include "model/engine/sequence.h"

namespace grm {

/// A full block is found by the hash of its tokens and of all before them; tokens are compared after the hash hit, so a collision
/// cannot serve wrong keys. Freed blocks stay findable until they are taken again, the longest unused first.
class BlockManager {
 public:
  explicit BlockManager(std::int64_t blocks);

  /// Gives a sequence without blocks the longest cached prefix of its tokens, never all of them: the last token is always
  /// computed, since its logits are wanted. Sets blocks, computed and shared_tokens.
  void share_prefix(Sequence& sequence);

  /// Makes room for the first `tokens` tokens of a sequence; false, and nothing taken, if too few blocks are free.
  bool reserve(Sequence& sequence, std::int64_t tokens);

  /// Makes the blocks findable that became full since `computed` was `computed_before`.
  void publish(const Sequence& sequence, std::int64_t computed_before);

  /// Takes all blocks back; computed becomes 0.
  void release(Sequence& sequence);

  /// Makes every block without a user unfindable.
  void forget_unused();

  std::int64_t free_blocks() const { return static_cast<std::int64_t>(free_.size()); }

 private:
  struct Block {
    std::int64_t users = 0;
    std::uint64_t hash = 0;  // of content and prefix; valid where `tokens` is not empty
    std::int32_t previous = -1;
    std::vector<std::int32_t> tokens;
    std::list<std::int32_t>::iterator free_place;
  };

  std::int32_t find(std::uint64_t hash, std::int32_t previous, std::span<const std::int32_t> tokens) const;
  void take(std::int32_t block);
  void forget(Block& block, std::int32_t index);

  std::vector<Block> blocks_;
  std::list<std::int32_t> free_;  // the next to be taken first
  std::unordered_map<std::uint64_t, std::int32_t> by_hash_;
};

}  // namespace grm
