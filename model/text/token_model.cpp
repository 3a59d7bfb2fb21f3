#include "model/text/token_model.h"

#include <algorithm>
#include <queue>
#include <unordered_set>
#include <utility>

#include "model/error.h"
#include "model/text/byte_alphabet.h"
#include "model/text/unicode.h"

namespace grm {
namespace {

constexpr std::size_t kShortPiece = 48;  // up to here a linear search for the best pair beats a heap

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) | static_cast<std::uint32_t>(right);
}

std::string byte_token_name(unsigned char byte) {
  constexpr char kHex[] = "0123456789ABCDEF";
  return std::string("<0x") + kHex[byte >> 4] + kHex[byte & 15] + ">";
}

}  // namespace

void MergeTable::reserve(std::size_t merges) {
  int bits = 1;
  while ((std::size_t{1} << bits) < merges * 2 + 2) {
    ++bits;
  }
  slots_.assign(std::size_t{1} << bits, Slot{});
  shift_ = 64 - bits;
}

void MergeTable::put(std::int32_t left, std::int32_t right, Merge merge) {
  const std::uint64_t key = pair_key(left, right);
  std::size_t i = index(key);
  while (slots_[i].pair != kEmpty && slots_[i].pair != key) {
    i = (i + 1) & (slots_.size() - 1);
  }
  slots_[i] = {key, merge};
}

const MergeTable::Merge* MergeTable::find(std::int32_t left, std::int32_t right) const {
  const std::uint64_t key = pair_key(left, right);
  for (std::size_t i = index(key);; i = (i + 1) & (slots_.size() - 1)) {
    if (slots_[i].pair == key) {
      return &slots_[i].merge;
    }
    if (slots_[i].pair == kEmpty) {
      return nullptr;
    }
  }
}

TokenModel TokenModel::read(const JsonPlace& place) {
  TokenModel model;
  model.where_ = place.where;
  // Files of old versions name no type; only BPE has merges.
  const std::string type = place.has("type") ? place.string_at("type") : place.has("merges") ? "BPE" : "(none)";
  if (type == "BPE") {
    model.read_bpe(place);
  } else if (type == "WordLevel") {
    place.allow_keys({"type", "vocab", "unk_token"});
    model.kind_ = Kind::kWordLevel;
    model.unk_token_ = place.optional_string_at("unk_token");
    model.read_vocabulary(place.at("vocab"));
  } else {
    place.fail("model type \"" + type + "\" is not supported; known: BPE, WordLevel");
  }
  return model;
}

void TokenModel::read_vocabulary(const JsonPlace& place) {
  if (!place.value.is_object()) {
    place.fail("expected an object of token to id");
  }
  std::unordered_set<std::int32_t> ids;
  vocabulary_.reserve(place.value.size());
  ids.reserve(place.value.size());
  for (const auto& [token, value] : place.value.items()) {
    const JsonPlace entry{value, place.where + "[\"" + token.substr(0, 60) + "\"]"};
    const auto id = static_cast<std::int32_t>(entry.integer(0, kMaxTokenId));
    if (!ids.insert(id).second) {
      entry.fail("id " + std::to_string(id) + " belongs to another token already");
    }
    vocabulary_.emplace(token, id);
  }
}

void TokenModel::read_bpe(const JsonPlace& place) {
  place.allow_keys({"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                    "byte_fallback", "ignore_merges", "vocab", "merges"});
  if (place.has("dropout")) {
    const Json& dropout = place.at("dropout").value;
    if (!dropout.is_number() || dropout.get<double>() != 0.0) {
      place.at("dropout").fail("dropout makes token ids random and is refused; found " + dropout.dump().substr(0, 80));
    }
  }
  unk_token_ = place.optional_string_at("unk_token");
  continuing_subword_prefix_ = place.optional_string_at("continuing_subword_prefix").value_or("");
  end_of_word_suffix_ = place.optional_string_at("end_of_word_suffix").value_or("");
  fuse_unk_ = place.boolean_at("fuse_unk", false);
  byte_fallback_ = place.boolean_at("byte_fallback", false);
  ignore_merges_ = place.boolean_at("ignore_merges", false);
  read_vocabulary(place.at("vocab"));
  read_merges(place.at("merges"));
  has_byte_tokens_ = continuing_subword_prefix_.empty() && end_of_word_suffix_.empty();
  for (unsigned byte = 0; byte < 256 && has_byte_tokens_; ++byte) {
    const auto found = vocabulary_.find(ByteAlphabet::get().character[byte]);
    has_byte_tokens_ = found != vocabulary_.end();
    byte_tokens_[byte] = has_byte_tokens_ ? found->second : 0;
  }
}

void TokenModel::read_merges(const JsonPlace& place) {
  if (!place.value.is_array()) {
    place.fail("expected a list of merges");
  }
  merges_.reserve(place.value.size());
  std::int32_t rank = 0;
  for (std::size_t i = 0; i < place.value.size(); ++i) {
    const Json& merge = place.value[i];
    if (merge.is_array()) {
      if (merge.size() != 2 || !merge[0].is_string() || !merge[1].is_string()) {
        place.at(i).fail("expected two tokens, found " + merge.dump().substr(0, 80));
      }
      add_merge(merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>(), rank++, place.at(i));
      continue;
    }
    const std::string line = place.at(i).string();
    if (line.starts_with("#version")) {
      continue;
    }
    const std::size_t space = line.find(' ');
    if (space == std::string::npos || line.find(' ', space + 1) != std::string::npos) {
      place.at(i).fail("expected two tokens with one space between them, found \"" + line.substr(0, 80) + "\"");
    }
    add_merge(line.substr(0, space), line.substr(space + 1), rank++, place.at(i));
  }
}

void TokenModel::add_merge(const std::string& left, const std::string& right, std::int32_t rank, const JsonPlace& place) {
  const auto id = [&](const std::string& token) {
    const auto found = vocabulary_.find(token);
    if (found == vocabulary_.end()) {
      place.fail("token \"" + token.substr(0, 80) + "\" is not in the vocabulary");
    }
    return found->second;
  };
  if (right.size() < continuing_subword_prefix_.size()) {
    place.fail("token \"" + right.substr(0, 80) + "\" lacks the continuing_subword_prefix");
  }
  const std::int32_t a = id(left);
  const std::int32_t b = id(right);
  merges_.put(a, b, {rank, id(left + right.substr(continuing_subword_prefix_.size()))});
}

void TokenModel::encode_piece(std::string_view piece, bool raw_bytes, std::vector<std::int32_t>& out) const {
  if (piece.empty()) {
    return;
  }
  if (kind_ == Kind::kBpe && raw_bytes && has_byte_tokens_) {
    if (ignore_merges_) {
      const auto found = vocabulary_.find(ByteAlphabet::get().encode(piece));
      if (found != vocabulary_.end()) {
        out.push_back(found->second);
        return;
      }
    }
    const std::size_t begin = out.size();
    for (const char c : piece) {
      out.push_back(byte_tokens_[static_cast<unsigned char>(c)]);
    }
    piece.size() <= kShortPiece ? merge_short(out, begin) : merge_long(out, begin);
    return;
  }
  const std::string written = raw_bytes ? ByteAlphabet::get().encode(piece) : std::string(piece);
  if (kind_ == Kind::kBpe) {
    encode_bpe(written, out);
    return;
  }
  const auto found = vocabulary_.find(written);
  out.push_back(found != vocabulary_.end() ? found->second : unknown_token(written));
}

void TokenModel::encode_bpe(std::string_view text, std::vector<std::int32_t>& out) const {
  if (ignore_merges_) {
    const auto found = vocabulary_.find(text);
    if (found != vocabulary_.end()) {
      out.push_back(found->second);
      return;
    }
  }
  const std::size_t begin = out.size();
  first_symbols(text, out);
  out.size() - begin <= kShortPiece ? merge_short(out, begin) : merge_long(out, begin);
}

/// One token a character; unknown characters become bytes, or unk_token, or, without one, nothing.
void TokenModel::first_symbols(std::string_view text, std::vector<std::int32_t>& out) const {
  std::string symbol;
  std::int32_t pending_unknown = -1;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = read_code_point(text, i).size;
    symbol = i > 0 ? continuing_subword_prefix_ : std::string();
    symbol += text.substr(i, size);
    i += size;
    if (i == text.size()) {
      symbol += end_of_word_suffix_;
    }
    const auto found = vocabulary_.find(symbol);
    if (found != vocabulary_.end()) {
      if (pending_unknown >= 0) {
        out.push_back(std::exchange(pending_unknown, -1));
      }
      out.push_back(found->second);
      continue;
    }
    if (byte_fallback_ && fall_back_to_bytes(symbol, out)) {
      continue;
    }
    if (unk_token_) {
      if (pending_unknown >= 0 && !fuse_unk_) {
        out.push_back(pending_unknown);
      }
      pending_unknown = unknown_token(text);
    }
  }
  if (pending_unknown >= 0) {
    out.push_back(pending_unknown);
  }
}

bool TokenModel::fall_back_to_bytes(std::string_view text, std::vector<std::int32_t>& out) const {
  const std::size_t begin = out.size();
  for (const char c : text) {
    const auto found = vocabulary_.find(byte_token_name(static_cast<unsigned char>(c)));
    if (found == vocabulary_.end()) {
      out.resize(begin);
      return false;
    }
    out.push_back(found->second);
  }
  return true;
}

std::int32_t TokenModel::unknown_token(std::string_view piece) const {
  const auto found = unk_token_ ? vocabulary_.find(*unk_token_) : vocabulary_.end();
  if (found == vocabulary_.end()) {
    throw ModelError(where_ + ": \"" + std::string(piece.substr(0, 80)) + "\" is not in the vocabulary and unk_token " +
                     (unk_token_ ? "\"" + *unk_token_ + "\" is not either" : std::string("is not set")));
  }
  return found->second;
}

/// Merges the best pair (lowest rank, then leftmost) until none is left.
void TokenModel::merge_short(std::vector<std::int32_t>& tokens, std::size_t begin) const {
  constexpr std::int32_t kNone = INT32_MAX;
  std::array<MergeTable::Merge, kShortPiece> merges;  // merges[i]: what tokens i and i+1 give
  std::int32_t* const token = tokens.data() + begin;
  std::size_t count = tokens.size() - begin;
  const auto look_up = [&](std::size_t i) {
    const MergeTable::Merge* found = i + 1 < count ? merges_.find(token[i], token[i + 1]) : nullptr;
    merges[i] = found != nullptr ? *found : MergeTable::Merge{kNone, 0};
  };
  for (std::size_t i = 0; i < count; ++i) {
    look_up(i);
  }
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i) {
      best = merges[i].rank < merges[best].rank ? i : best;
    }
    if (merges[best].rank == kNone) {
      break;
    }
    token[best] = merges[best].token;
    std::copy(token + best + 2, token + count, token + best + 1);
    std::copy(merges.begin() + static_cast<std::ptrdiff_t>(best) + 2, merges.begin() + static_cast<std::ptrdiff_t>(count),
              merges.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    --count;
    look_up(best);
    if (best > 0) {
      look_up(best - 1);
    }
  }
  tokens.resize(begin + count);
}

/// The same with a heap over a linked list: n log n for pieces of any length.
void TokenModel::merge_long(std::vector<std::int32_t>& tokens, std::size_t begin) const {
  struct Candidate {
    std::int32_t rank;
    std::int32_t position;
    std::int32_t token;
    bool operator>(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : position > other.position;
    }
  };
  constexpr std::int32_t kRemoved = -1;
  const auto count = static_cast<std::int32_t>(tokens.size() - begin);
  std::vector<Symbol> symbols(static_cast<std::size_t>(count));
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto at = [&](std::int32_t i) -> Symbol& { return symbols[static_cast<std::size_t>(i)]; };
  const auto offer = [&](std::int32_t left) {
    const MergeTable::Merge* merge = merges_.find(at(left).token, at(at(left).next).token);
    if (merge != nullptr) {
      queue.push({merge->rank, left, merge->token});
    }
  };
  for (std::int32_t i = 0; i < count; ++i) {
    at(i) = {tokens[begin + static_cast<std::size_t>(i)], i - 1, i + 1 < count ? i + 1 : -1};
  }
  for (std::int32_t i = 0; i + 1 < count; ++i) {
    offer(i);
  }
  while (!queue.empty()) {
    const Candidate top = queue.top();
    queue.pop();
    Symbol& left = at(top.position);
    if (left.token == kRemoved || left.next < 0) {
      continue;
    }
    Symbol& right = at(left.next);
    const MergeTable::Merge* merge = merges_.find(left.token, right.token);
    if (merge == nullptr || merge->token != top.token) {
      continue;  // a neighbour has changed since this pair was found
    }
    left.token = top.token;
    right.token = kRemoved;
    left.next = right.next;
    if (left.next >= 0) {
      at(left.next).previous = top.position;
      offer(top.position);
    }
    if (left.previous >= 0) {
      offer(left.previous);
    }
  }
  tokens.resize(begin);
  for (const Symbol& symbol : symbols) {
    if (symbol.token != kRemoved) {
      tokens.push_back(symbol.token);
    }
  }
}

}  // namespace grm
