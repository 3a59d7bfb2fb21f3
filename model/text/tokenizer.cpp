#include "model/text/tokenizer.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "model/text/added_tokens.h"
#include "model/text/byte_alphabet.h"
#include "model/text/checked_json.h"
#include "model/text/decoder.h"
#include "model/text/normalizer.h"
#include "model/text/pre_tokenizer.h"
#include "model/text/token_model.h"
#include "model/text/unicode.h"
#include "model/text/word_cache.h"

namespace grm {

struct Tokenizer::Parts {
  std::optional<Normalizer> normalizer;
  std::optional<PreTokenizer> pre_tokenizer;
  PostProcessor post_processor;
  std::optional<Decoder> decoder;
  TokenModel model;
  AddedTokens added;
  std::unordered_map<std::string, std::int32_t, StringHash, std::equal_to<>> added_ids;
  std::unordered_set<std::int32_t> special_ids;
  std::vector<const std::string*> token_of_id;
  std::size_t vocab_size = 0;
  mutable WordCachePool caches;

  void index_tokens();
  void encode_text(std::string_view text, WordCache& cache, Pieces& pieces, std::vector<std::int32_t>& out) const;
  void encode_normalized(std::string_view text, WordCache& cache, Pieces& pieces, std::vector<std::int32_t>& out) const;
};

void Tokenizer::Parts::index_tokens() {
  std::unordered_set<std::string> special_contents;
  std::int32_t bound = 0;
  for (const auto& [token, id] : model.vocabulary()) {
    bound = std::max(bound, id + 1);
  }
  for (const AddedToken& token : added.tokens()) {
    bound = std::max(bound, token.id + 1);
  }
  token_of_id.assign(static_cast<std::size_t>(bound), nullptr);
  for (const auto& [token, id] : model.vocabulary()) {
    token_of_id[static_cast<std::size_t>(id)] = &token;
  }
  vocab_size = model.vocabulary().size();
  for (const AddedToken& token : added.tokens()) {
    vocab_size += model.vocabulary().contains(token.content) ? 0 : 1;
    token_of_id[static_cast<std::size_t>(token.id)] = &token.shown;
    added_ids.emplace(token.content, token.id);
    if (token.special) {
      special_contents.insert(token.content);
    }
  }
  // The library asks by the string it shows, so a special token that normalisation changes is not skipped.
  for (const AddedToken& token : added.tokens()) {
    if (special_contents.contains(token.shown)) {
      special_ids.insert(token.id);
    }
  }
}

void Tokenizer::Parts::encode_normalized(std::string_view text, WordCache& cache, Pieces& pieces,
                                         std::vector<std::int32_t>& out) const {
  pieces.pieces.assign(1, text);
  pieces.byte_level = false;
  pieces.storage.clear();
  if (pre_tokenizer) {
    pre_tokenizer->apply(pieces);
  }
  for (const std::string_view piece : pieces.pieces) {
    const std::uint64_t hash = cache.hash(piece);
    std::size_t count = 0;
    if (const std::int32_t* known = cache.find(piece, hash, count)) {
      out.insert(out.end(), known, known + count);
      continue;
    }
    const std::size_t begin = out.size();
    model.encode_piece(piece, pieces.byte_level, out);
    cache.put(piece, hash, std::span(out).subspan(begin));
  }
}

void Tokenizer::Parts::encode_text(std::string_view text, WordCache& cache, Pieces& pieces,
                                   std::vector<std::int32_t>& out) const {
  std::vector<AddedSplit> raw;
  std::vector<AddedSplit> inner;
  added.split(text, false, raw);
  for (const AddedSplit& part : raw) {
    if (part.id >= 0) {
      out.push_back(part.id);
      continue;
    }
    std::string normalized;
    std::string_view piece = part.text;
    if (normalizer) {
      normalized = normalizer->apply(std::string(part.text));
      piece = normalized;
    }
    inner.clear();
    added.split(piece, true, inner);
    for (const AddedSplit& split : inner) {
      if (split.id >= 0) {
        out.push_back(split.id);
      } else {
        encode_normalized(split.text, cache, pieces, out);
      }
    }
  }
}

Tokenizer::Tokenizer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::load(const std::filesystem::path& path) {
  const std::filesystem::path file = std::filesystem::is_directory(path) ? path / "tokenizer.json" : path;
  return from_json(read_text_file(file), file.string());
}

Tokenizer Tokenizer::from_json(std::string_view json, const std::string& name) {
  const Json root = parse_checked_json(json, name);
  const JsonPlace file{root, name};
  // `truncation` and `padding` are wishes of whoever wrote the file; transformers too sets them anew at every call.
  file.allow_keys({"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder",
                   "model"});
  if (file.has("version") && file.string_at("version") != "1.0") {
    file.at("version").fail("version " + file.string_at("version") + " is not known; known: 1.0");
  }
  auto parts = std::make_unique<Parts>();
  if (file.has("normalizer")) {
    parts->normalizer = Normalizer::read(file.at("normalizer"));
    if (parts->normalizer->is_identity()) {
      parts->normalizer.reset();
    }
  }
  if (file.has("pre_tokenizer")) {
    parts->pre_tokenizer = PreTokenizer::read(file.at("pre_tokenizer"));
  }
  if (file.has("post_processor")) {
    parts->post_processor = PostProcessor::read(file.at("post_processor"));
  }
  if (file.has("decoder")) {
    parts->decoder = Decoder::read(file.at("decoder"));
  }
  parts->model = TokenModel::read(file.at("model"));
  if (file.has("added_tokens")) {
    parts->added.read(file.at("added_tokens"), parts->model.vocabulary(), parts->normalizer ? &*parts->normalizer : nullptr);
  }
  parts->index_tokens();
  Tokenizer tokenizer(std::move(parts));
  for (const auto* ids : {&tokenizer.parts_->post_processor.before, &tokenizer.parts_->post_processor.after}) {
    for (const std::int32_t id : *ids) {
      if (tokenizer.token(id) == nullptr) {
        file.at("post_processor").fail("token id " + std::to_string(id) + " is not in the vocabulary");
      }
    }
  }
  return tokenizer;
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, bool add_special_tokens) const {
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = utf8_lossy(text);
    text = repaired;
  }
  std::vector<std::int32_t> out;
  out.reserve(text.size() / 3 + 8);
  if (add_special_tokens) {
    out = parts_->post_processor.before;
  }
  std::unique_ptr<WordCache> cache = parts_->caches.take();
  Pieces pieces;
  parts_->encode_text(text, *cache, pieces, out);
  parts_->caches.give_back(std::move(cache));  // not after an exception: a cache may then be half written
  if (add_special_tokens) {
    out.insert(out.end(), parts_->post_processor.after.begin(), parts_->post_processor.after.end());
  }
  return out;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, bool skip_special) const {
  if (parts_->decoder && parts_->decoder->is_byte_level()) {
    std::string bytes;
    for (const std::int32_t id : ids) {
      const std::string* text = token(id);
      if (text != nullptr && !(skip_special && is_special(id))) {
        ByteAlphabet::get().decode_to(*text, bytes);
      }
    }
    return utf8_lossy(bytes);
  }
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const std::int32_t id : ids) {
    const std::string* text = token(id);
    if (text != nullptr && !(skip_special && is_special(id))) {
      tokens.push_back(*text);
    }
  }
  if (parts_->decoder) {
    parts_->decoder->apply(tokens);
  }
  std::string out;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    out += (i > 0 && !parts_->decoder ? " " : "") + tokens[i];
  }
  return out;
}

std::optional<std::int32_t> Tokenizer::token_id(std::string_view token) const {
  if (const auto added = parts_->added_ids.find(token); added != parts_->added_ids.end()) {
    return added->second;
  }
  const auto found = parts_->model.vocabulary().find(token);
  return found != parts_->model.vocabulary().end() ? std::optional(found->second) : std::nullopt;
}

const std::string* Tokenizer::token(std::int32_t id) const {
  return id >= 0 && id < id_bound() ? parts_->token_of_id[static_cast<std::size_t>(id)] : nullptr;
}

bool Tokenizer::is_special(std::int32_t id) const { return parts_->special_ids.contains(id); }
std::size_t Tokenizer::vocab_size() const { return parts_->vocab_size; }
std::int32_t Tokenizer::id_bound() const { return static_cast<std::int32_t>(parts_->token_of_id.size()); }

IncrementalDecoder::IncrementalDecoder(const Tokenizer& tokenizer, bool skip_special)
    : tokenizer_(&tokenizer), skip_special_(skip_special) {}

std::string IncrementalDecoder::push(std::int32_t id) {
  const std::string* token = tokenizer_->token(id);
  if (token == nullptr || (skip_special_ && tokenizer_->is_special(id))) {
    return {};
  }
  const auto& decoder = tokenizer_->parts_->decoder;
  if (decoder && decoder->is_byte_level()) {
    ByteAlphabet::get().decode_to(*token, pending_);
    const std::size_t ready = complete_utf8_prefix(pending_);
    std::string out = utf8_lossy(std::string_view(pending_).substr(0, ready));
    pending_.erase(0, ready);
    return out;
  }
  ids_.push_back(id);
  if (byte_of_token(*token) >= 0 && decoder && decoder->has_byte_fallback()) {
    return {};  // the bytes of a run become text together, or all U+FFFD
  }
  const std::string text = tokenizer_->decode(ids_, skip_special_);
  std::size_t ready = text.size();
  while (ready >= 3 && text.compare(ready - 3, 3, "\xEF\xBF\xBD") == 0) {
    ready -= 3;  // may be a character whose bytes are not all there yet
  }
  if (ready <= emitted_) {
    return {};
  }
  std::string out = text.substr(emitted_, ready - emitted_);
  emitted_ = ready;
  return out;
}

std::string IncrementalDecoder::finish() {
  if (!pending_.empty()) {
    return utf8_lossy(std::exchange(pending_, {}));
  }
  const std::string text = ids_.empty() ? std::string() : tokenizer_->decode(ids_, skip_special_);
  std::string out = emitted_ < text.size() ? text.substr(emitted_) : std::string();
  ids_.clear();
  emitted_ = 0;
  return out;
}

}  // namespace grm
