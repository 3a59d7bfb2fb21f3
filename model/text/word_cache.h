#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

namespace grm {

/// Remembers the tokens of pieces seen before. One thread uses one cache at a time; WordCachePool lends them.
class WordCache {
 public:
  static constexpr std::size_t kMaxPieceBytes = 128;

  WordCache() { clear(); }

  std::uint64_t hash(std::string_view piece) const { return std::hash<std::string_view>{}(piece); }

  const std::int32_t* find(std::string_view piece, std::uint64_t hash, std::size_t& count) const {
    for (std::size_t i = hash & (kSlots - 1); slots_[i].used; i = (i + 1) & (kSlots - 1)) {
      const Slot& slot = slots_[i];
      if (slot.hash == hash && piece == std::string_view(text_.data() + slot.text, slot.text_size)) {
        count = slot.token_count;
        return tokens_.data() + slot.tokens;
      }
    }
    return nullptr;
  }

  void put(std::string_view piece, std::uint64_t hash, std::span<const std::int32_t> tokens) {
    if (piece.size() > kMaxPieceBytes) {
      return;
    }
    if (used_ >= kSlots / 2) {
      clear();  // as cheap as any other way of forgetting, and it happens rarely
    }
    std::size_t i = hash & (kSlots - 1);
    while (slots_[i].used) {
      i = (i + 1) & (kSlots - 1);
    }
    slots_[i] = {hash, static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(tokens_.size()),
                 static_cast<std::uint16_t>(piece.size()), static_cast<std::uint16_t>(tokens.size()), true};
    text_.insert(text_.end(), piece.begin(), piece.end());
    tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
    ++used_;
  }

 private:
  static constexpr std::size_t kSlots = std::size_t{1} << 16;
  struct Slot {
    std::uint64_t hash;
    std::uint32_t text;
    std::uint32_t tokens;
    std::uint16_t text_size;
    std::uint16_t token_count;
    bool used;
  };

  void clear() {
    slots_.assign(kSlots, Slot{});
    text_.clear();
    tokens_.clear();
    used_ = 0;
  }

  std::vector<Slot> slots_;
  std::vector<char> text_;
  std::vector<std::int32_t> tokens_;
  std::size_t used_ = 0;
};

/// Lends caches to threads: as many exist as threads have encoded at once.
class WordCachePool {
 public:
  std::unique_ptr<WordCache> take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) {
      return std::make_unique<WordCache>();
    }
    std::unique_ptr<WordCache> cache = std::move(free_.back());
    free_.pop_back();
    return cache;
  }
  void give_back(std::unique_ptr<WordCache> cache) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(cache));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<WordCache>> free_;
};

}  // namespace grm
