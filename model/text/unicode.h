#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace grm {

/// One code point read from UTF-8; `size` bytes were consumed. An ill-formed sequence gives U+FFFD and the length of its
/// maximal subpart (Unicode 3.9, table 3-8), which is what Rust's and Python's "replace" handlers do.
struct CodePoint {
  char32_t value = 0;
  std::size_t size = 0;
  bool valid = true;
};

CodePoint read_code_point(std::string_view text, std::size_t at);
void append_utf8(std::string& out, char32_t code_point);

bool is_valid_utf8(std::string_view text);
/// Replaces every ill-formed sequence by U+FFFD; well-formed text comes back unchanged.
std::string utf8_lossy(std::string_view text);
/// Length of the prefix that ends on no unfinished sequence: what follows may still become a character when more bytes come.
std::size_t complete_utf8_prefix(std::string_view text);
std::u32string to_utf32(std::string_view text);
std::string to_utf8(std::u32string_view text);

/// Unicode properties by ICU, named after what the tokenizers library asks of a character.
bool is_white_space(char32_t c);    // White_Space
bool is_word_character(char32_t c);  // Alphabetic, Mark, Nd, Pc, Join_Control: \w of Rust's regex crate
bool is_numeric(char32_t c);        // Nd, Nl, No
bool is_punctuation(char32_t c);    // P* and ASCII punctuation
bool is_printable(char32_t c);      // Python's str.isprintable
/// Full lower-case mapping of one character without context, as Rust's char::to_lowercase.
void append_lowercase(std::string& out, char32_t c);
/// Full case mappings of a whole text, without regard to language, as Python's str.lower and str.upper.
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
bool is_upper_or_title(char32_t c);
bool is_lower(char32_t c);
bool is_alphabetic(char32_t c);  // L*
bool is_decimal(char32_t c);     // Nd

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };
std::string normalize_unicode(std::string_view text, NormalForm form);

}  // namespace grm
