#pragma once

#include <string>
#include <variant>
#include <vector>

#include "model/text/checked_json.h"
#include "model/text/normalizer.h"

namespace grm {

struct Decoder;
struct DecodeByteLevel {};
struct DecodeByteFallback {};
struct DecodeFuse {};
struct DecodeStrip { char32_t content; std::size_t start; std::size_t stop; };
struct DecodeReplace { Pattern pattern; std::string content; };
struct DecodeSequence { std::vector<Decoder> steps; };

/// Turns the strings of tokens back into text. Refuses every type that is not listed here.
struct Decoder {
  std::variant<DecodeSequence, DecodeByteLevel, DecodeByteFallback, DecodeFuse, DecodeStrip, DecodeReplace> step;

  static Decoder read(const JsonPlace& place);
  void apply(std::vector<std::string>& tokens) const;
  bool is_byte_level() const { return std::holds_alternative<DecodeByteLevel>(step); }
  /// True when runs of tokens "<0xAB>" are put together before they are read.
  bool has_byte_fallback() const;
};

/// Byte of a token "<0xAB>", else -1.
int byte_of_token(const std::string& token);

/// What is put around the tokens of one text when special tokens are asked for.
struct PostProcessor {
  std::vector<std::int32_t> before;
  std::vector<std::int32_t> after;

  static PostProcessor read(const JsonPlace& place);
};

}  // namespace grm
