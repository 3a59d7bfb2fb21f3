#include "model/text/added_tokens.h"

#include <algorithm>
#include <unordered_set>

#include "model/text/unicode.h"

namespace grm {
namespace {

bool ends_with_word(std::string_view text) {
  std::size_t begin = text.size();
  while (begin > 0 && (static_cast<unsigned char>(text[--begin]) & 0xC0U) == 0x80) {
  }
  return !text.empty() && is_word_character(read_code_point(text, begin).value);
}

bool starts_with_word(std::string_view text) { return !text.empty() && is_word_character(read_code_point(text, 0).value); }

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const CodePoint c = read_code_point(text, at);
    if (!is_white_space(c.value)) {
      break;
    }
    at += c.size;
  }
  return at;
}

std::size_t skip_spaces_back(std::string_view text, std::size_t at, std::size_t limit) {
  while (at > limit) {
    std::size_t begin = at - 1;
    while (begin > limit && (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80) {
      --begin;
    }
    if (!is_white_space(read_code_point(text, begin).value)) {
      break;
    }
    at = begin;
  }
  return at;
}

AddedToken read_token(const JsonPlace& place) {
  place.allow_keys({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
  AddedToken token;
  token.id = static_cast<std::int32_t>(place.at("id").integer(0, kMaxTokenId));
  token.content = place.string_at("content");
  token.single_word = place.boolean_at("single_word", false);
  token.lstrip = place.boolean_at("lstrip", false);
  token.rstrip = place.boolean_at("rstrip", false);
  token.normalized = place.boolean_at("normalized", true);
  token.special = place.boolean_at("special", false);
  return token;
}

}  // namespace

TokenTrie::TokenTrie() : nodes_(1) {}

void TokenTrie::add(std::string_view text, std::int32_t value) {
  if (text.empty()) {
    return;
  }
  starts_[static_cast<unsigned char>(text[0])] = true;
  std::uint32_t node = 0;
  for (const char c : text) {
    const auto [slot, inserted] =
        nodes_[node].next.try_emplace(static_cast<unsigned char>(c), static_cast<std::uint32_t>(nodes_.size()));
    node = slot->second;
    if (inserted) {
      nodes_.emplace_back();
    }
  }
  if (nodes_[node].value < 0) {  // of two equal strings the first wins
    nodes_[node].value = value;
  }
}

bool TokenTrie::find(std::string_view text, std::size_t from, std::size_t& begin, std::size_t& end, std::int32_t& value) const {
  for (begin = from; begin < text.size(); ++begin) {
    if (!starts_[static_cast<unsigned char>(text[begin])]) {
      continue;
    }
    value = -1;
    const Node* node = &nodes_[0];
    for (std::size_t i = begin; i < text.size(); ++i) {
      const auto next = node->next.find(static_cast<unsigned char>(text[i]));
      if (next == node->next.end()) {
        break;
      }
      node = &nodes_[next->second];
      if (node->value >= 0) {
        value = node->value;
        end = i + 1;
      }
    }
    if (value >= 0) {
      return true;
    }
  }
  return false;
}

void AddedTokens::read(const JsonPlace& place, const Vocabulary& vocabulary, const Normalizer* normalizer) {
  if (!place.value.is_array()) {
    place.fail("expected a list");
  }
  std::unordered_map<std::string, std::int32_t> seen;
  std::unordered_map<std::int32_t, std::string> owner;
  for (const auto& [token, id] : vocabulary) {
    owner.emplace(id, token);
  }
  auto next_id = static_cast<std::int32_t>(vocabulary.size());
  for (std::size_t i = 0; i < place.value.size(); ++i) {
    const JsonPlace entry = place.at(i);
    AddedToken token = read_token(entry);
    if (token.content.empty()) {
      entry.fail("an empty token cannot be matched");
    }
    if (!seen.emplace(token.content, token.id).second) {
      entry.fail("token \"" + token.content + "\" is listed twice");
    }
    const auto found = vocabulary.find(token.content);
    if (found != vocabulary.end() && found->second != token.id) {
      entry.fail("id " + std::to_string(token.id) + " of \"" + token.content + "\" is " + std::to_string(found->second) +
                 " in the model's vocabulary");
    }
    const auto [other, free] = owner.emplace(token.id, token.content);
    if (!free && other->second != token.content) {
      entry.fail("id " + std::to_string(token.id) + " of \"" + token.content + "\" belongs to \"" + other->second + "\" already");
    }
    if (found == vocabulary.end()) {
      if (token.id != next_id) {
        entry.fail("id " + std::to_string(token.id) + " of \"" + token.content + "\" is out of order: the next free id is " +
                   std::to_string(next_id));
      }
      ++next_id;
    }
    token.shown = token.normalized && normalizer != nullptr ? normalizer->apply(token.content) : token.content;
    tokens_.push_back(std::move(token));
  }
  // Special tokens first: where two strings become equal by normalisation, the first one wins.
  for (const bool special : {true, false}) {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const AddedToken& token = tokens_[i];
      if (token.special == special) {
        (token.normalized ? normalized_ : raw_).add(token.shown, static_cast<std::int32_t>(i));
      }
    }
  }
}

void AddedTokens::split(std::string_view text, bool normalized, std::vector<AddedSplit>& out) const {
  const TokenTrie& trie = normalized ? normalized_ : raw_;
  std::size_t done = 0;
  if (!trie.empty()) {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::int32_t index = 0;
    for (std::size_t from = 0; trie.find(text, from, begin, end, index);) {
      const AddedToken& token = tokens_[static_cast<std::size_t>(index)];
      from = end;
      if (token.single_word && (ends_with_word(text.substr(0, begin)) || starts_with_word(text.substr(end)))) {
        continue;
      }
      begin = std::max(token.lstrip ? skip_spaces_back(text, begin, done) : begin, done);
      end = std::max(token.rstrip ? skip_spaces(text, end) : end, begin);
      if (begin > done) {
        out.push_back({text.substr(done, begin - done), -1});
      }
      out.push_back({text.substr(begin, end - begin), token.id});
      done = end;
    }
  }
  if (done < text.size()) {
    out.push_back({text.substr(done), -1});
  }
}

}  // namespace grm
