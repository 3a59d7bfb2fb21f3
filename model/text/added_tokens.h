#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/text/checked_json.h"
#include "model/text/normalizer.h"
#include "model/text/token_model.h"

namespace grm {

struct AddedToken {
  std::int32_t id = 0;
  std::string content;
  std::string shown;  // what decoding gives: the content, normalised where the token is matched in normalised text
  bool single_word = false;
  bool lstrip = false;
  bool rstrip = false;
  bool normalized = true;
  bool special = false;
};

/// Finds the longest of a set of strings at each place, from the left.
class TokenTrie {
 public:
  TokenTrie();
  void add(std::string_view text, std::int32_t value);
  bool empty() const { return nodes_.size() == 1; }
  /// First match at or behind `from`: its value and place. False when there is none.
  bool find(std::string_view text, std::size_t from, std::size_t& begin, std::size_t& end, std::int32_t& value) const;

 private:
  struct Node {
    std::map<unsigned char, std::uint32_t> next;
    std::int32_t value = -1;
  };
  std::vector<Node> nodes_;
  std::array<bool, 256> starts_{};
};

/// A part of a text: an added token (id >= 0) or text to be encoded (id < 0).
struct AddedSplit {
  std::string_view text;
  std::int32_t id = -1;
};

/// Tokens that are cut out of the text before the model sees it.
class AddedTokens {
 public:
  /// Reads `added_tokens`; ids must agree with the vocabulary or follow it without a gap, since
  /// the tokenizers library numbers them so, whatever the file says. Throws ModelError.
  void read(const JsonPlace& place, const Vocabulary& vocabulary, const Normalizer* normalizer);

  /// Cuts `text` by the tokens that are matched before (normalized = false) or after normalisation.
  void split(std::string_view text, bool normalized, std::vector<AddedSplit>& out) const;

  const std::vector<AddedToken>& tokens() const { return tokens_; }

 private:
  std::vector<AddedToken> tokens_;
  TokenTrie raw_;
  TokenTrie normalized_;
};

}  // namespace grm
