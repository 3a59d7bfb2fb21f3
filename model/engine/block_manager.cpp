#include "model/engine/block_manager.h"

#include <algorithm>
#include <cassert>

namespace grm {
namespace {
constexpr std::uint64_t kFirst = 0x9E3779B97F4A7C15;  // stands for "nothing before"

std::uint64_t chain_hash(std::uint64_t previous, std::span<const std::int32_t> tokens) {
  std::uint64_t hash = previous;
  for (const std::int32_t token : tokens) {
    hash = (hash ^ static_cast<std::uint32_t>(token)) * 0xBF58476D1CE4E5B9;
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace

BlockManager::BlockManager(std::int64_t blocks) : blocks_(static_cast<std::size_t>(blocks)) {
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(blocks); ++i) {
    blocks_[static_cast<std::size_t>(i)].free_place = free_.insert(free_.end(), i);
  }
}

// `previous` is the physical block before; together with the tokens it decides, whatever the hash.
std::int32_t BlockManager::find(std::uint64_t hash, std::int32_t previous, std::span<const std::int32_t> tokens) const {
  const auto found = by_hash_.find(hash);
  if (found == by_hash_.end()) return -1;
  const Block& block = blocks_[static_cast<std::size_t>(found->second)];
  return block.previous == previous && std::ranges::equal(block.tokens, tokens) ? found->second : -1;
}

void BlockManager::forget(Block& block, std::int32_t index) {
  if (block.tokens.empty()) return;
  if (const auto found = by_hash_.find(block.hash); found != by_hash_.end() && found->second == index) by_hash_.erase(found);
  block.tokens.clear();
}

void BlockManager::take(std::int32_t index) {
  Block& block = blocks_[static_cast<std::size_t>(index)];
  if (block.users++ == 0) free_.erase(block.free_place);
}

void BlockManager::share_prefix(Sequence& sequence) {
  assert(sequence.blocks.empty() && sequence.computed == 0);
  std::uint64_t hash = kFirst;
  std::int32_t previous = -1;
  const std::span<const std::int32_t> tokens(sequence.tokens);
  for (std::int64_t begin = 0; begin + kBlockTokens < sequence.size(); begin += kBlockTokens) {
    const auto part = tokens.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(kBlockTokens));
    hash = chain_hash(hash, part);
    const std::int32_t block = find(hash, previous, part);
    if (block < 0) break;
    take(block);
    sequence.blocks.push_back(block);
    sequence.computed += kBlockTokens;
    previous = block;
  }
  sequence.shared_tokens = std::min(sequence.computed, sequence.prompt_size());
}

bool BlockManager::reserve(Sequence& sequence, std::int64_t tokens) {
  const std::int64_t needed = (tokens + kBlockTokens - 1) / kBlockTokens - static_cast<std::int64_t>(sequence.blocks.size());
  if (needed > free_blocks()) return false;
  for (std::int64_t i = 0; i < needed; ++i) {
    const std::int32_t index = free_.front();
    Block& block = blocks_[static_cast<std::size_t>(index)];
    forget(block, index);
    take(index);
    sequence.blocks.push_back(index);
  }
  return true;
}

void BlockManager::publish(const Sequence& sequence, std::int64_t computed_before) {
  const std::span<const std::int32_t> tokens(sequence.tokens);
  for (std::int64_t i = computed_before / kBlockTokens; (i + 1) * kBlockTokens <= sequence.computed; ++i) {
    const std::int32_t previous = i > 0 ? sequence.blocks[static_cast<std::size_t>(i - 1)] : -1;
    // A chain is only followed from published blocks; one that was computed twice leads nowhere new.
    if (i > 0 && blocks_[static_cast<std::size_t>(previous)].tokens.empty()) return;
    const std::int32_t index = sequence.blocks[static_cast<std::size_t>(i)];
    Block& block = blocks_[static_cast<std::size_t>(index)];
    if (!block.tokens.empty()) continue;
    const auto part = tokens.subspan(static_cast<std::size_t>(i * kBlockTokens), static_cast<std::size_t>(kBlockTokens));
    const std::uint64_t hash = chain_hash(i > 0 ? blocks_[static_cast<std::size_t>(previous)].hash : kFirst, part);
    if (!by_hash_.try_emplace(hash, index).second) return;
    block.hash = hash;
    block.previous = previous;
    block.tokens.assign(part.begin(), part.end());
  }
}

void BlockManager::release(Sequence& sequence) {
  // Last block first: a prefix is worth more the longer it stays whole from its beginning.
  for (auto index = sequence.blocks.rbegin(); index != sequence.blocks.rend(); ++index) {
    Block& block = blocks_[static_cast<std::size_t>(*index)];
    if (--block.users == 0) block.free_place = free_.insert(free_.end(), *index);
  }
  sequence.blocks.clear();
  sequence.computed = 0;
}

void BlockManager::forget_unused() {
  for (const std::int32_t index : free_) forget(blocks_[static_cast<std::size_t>(index)], index);
}

}  // namespace grm
