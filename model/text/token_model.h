#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/text/checked_json.h"

namespace grm {

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
using Vocabulary = std::unordered_map<std::string, std::int32_t, StringHash, std::equal_to<>>;

inline constexpr std::int32_t kMaxTokenId = 1 << 24;

/// Rank and result of merging two neighbouring tokens: an open-addressed table, since it is asked for every pair.
class MergeTable {
 public:
  struct Merge {
    std::int32_t rank;
    std::int32_t token;
  };
  void reserve(std::size_t merges);
  /// A pair given twice keeps its last rank, as in the tokenizers library.
  void put(std::int32_t left, std::int32_t right, Merge merge);
  const Merge* find(std::int32_t left, std::int32_t right) const;

 private:
  struct Slot {
    std::uint64_t pair = kEmpty;
    Merge merge{};
  };
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};
  std::size_t index(std::uint64_t pair) const { return (pair * 0x9E3779B97F4A7C15ULL) >> shift_; }
  std::vector<Slot> slots_ = std::vector<Slot>(2);
  int shift_ = 63;
};

/// Turns one piece into token ids: byte-pair encoding or a plain word list ("WordLevel"). Const methods are safe from
/// several threads.
class TokenModel {
 public:
  /// Reads the `model` object of tokenizer.json. Throws ModelError on anything unknown or inconsistent.
  static TokenModel read(const JsonPlace& place);

  /// Appends the ids of one piece. `raw_bytes`: the piece is bytes still to be written in the byte alphabet.
  void encode_piece(std::string_view piece, bool raw_bytes, std::vector<std::int32_t>& out) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  enum class Kind { kBpe, kWordLevel };
  struct Symbol {
    std::int32_t token;
    std::int32_t previous;
    std::int32_t next;
  };

  void read_vocabulary(const JsonPlace& place);
  void read_bpe(const JsonPlace& place);
  void read_merges(const JsonPlace& place);
  void add_merge(const std::string& left, const std::string& right, std::int32_t rank, const JsonPlace& place);
  void encode_bpe(std::string_view text, std::vector<std::int32_t>& out) const;
  void first_symbols(std::string_view text, std::vector<std::int32_t>& out) const;
  bool fall_back_to_bytes(std::string_view text, std::vector<std::int32_t>& out) const;
  std::int32_t unknown_token(std::string_view piece) const;
  void merge_short(std::vector<std::int32_t>& tokens, std::size_t begin) const;
  void merge_long(std::vector<std::int32_t>& tokens, std::size_t begin) const;

  Kind kind_ = Kind::kBpe;
  std::string where_;
  Vocabulary vocabulary_;
  MergeTable merges_;
  std::optional<std::string> unk_token_;
  std::string continuing_subword_prefix_;
  std::string end_of_word_suffix_;
  bool fuse_unk_ = false;
  bool byte_fallback_ = false;
  bool ignore_merges_ = false;
  /// Token of each byte's character, when all 256 are in the vocabulary and no prefix or suffix is set.
  bool has_byte_tokens_ = false;
  std::array<std::int32_t, 256> byte_tokens_{};
};

}  // namespace grm
