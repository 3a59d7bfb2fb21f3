#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace grm {

/// A tokenizer read from Hugging Face's tokenizer.json, giving the same ids and the same text as the tokenizers library.
/// Components it does not know are refused when the file is read. Const methods are safe from several threads.
class Tokenizer {
 public:
  /// `path`: the file, or a model folder that holds tokenizer.json. Throws ModelError.
  static Tokenizer load(const std::filesystem::path& path);
  /// `name` stands for the file in messages.
  static Tokenizer from_json(std::string_view json, const std::string& name);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// Token ids of `text`. Ill-formed UTF-8 counts as U+FFFD, one for each maximal subpart. `add_special_tokens` puts
  /// in what the post-processor adds (BOS); a rendered chat template holds it already, so pass false there.
  /// Throws ModelError when the model has no token for a piece, or its pattern cannot be run on the text.
  std::vector<std::int32_t> encode(std::string_view text, bool add_special_tokens) const;

  /// Text of `ids`. Ids that no token has are left out, bytes that form no character become U+FFFD.
  std::string decode(std::span<const std::int32_t> ids, bool skip_special) const;

  std::optional<std::int32_t> token_id(std::string_view token) const;
  /// The token as the file writes it (byte-level text for ordinary tokens); null when the id is unused.
  const std::string* token(std::int32_t id) const;
  bool is_special(std::int32_t id) const;
  /// Number of tokens, added ones included (the tokenizers library's get_vocab_size(True)).
  std::size_t vocab_size() const;
  /// One more than the largest id: a model's embedding table must have at least as many rows.
  std::int32_t id_bound() const;

 private:
  friend class IncrementalDecoder;
  struct Parts;
  explicit Tokenizer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// Decodes tokens as they come. The pieces, put together, are exactly what `decode` gives for all ids at once; bytes
/// that may still become a character are held back. A token costs constant time where the decoder is ByteLevel alone, and
/// time in proportion to what came before with any other decoder. The tokenizer must outlive it.
class IncrementalDecoder {
 public:
  IncrementalDecoder(const Tokenizer& tokenizer, bool skip_special);
  /// Text that has become final by this token; may be empty.
  std::string push(std::int32_t id);
  /// What was held back, as text; call once behind the last token.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  bool skip_special_;
  std::string pending_;            // byte-level: bytes not yet final
  std::vector<std::int32_t> ids_;  // other decoders: everything so far
  std::size_t emitted_ = 0;
};

}  // namespace grm
