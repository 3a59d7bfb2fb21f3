#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace grm {

/// GPT-2's one-to-one map of the 256 bytes to printable characters, by which byte-level BPE writes its vocabulary:
/// printable Latin-1 stands for itself, the rest takes U+0100 and on, in order of the byte.
struct ByteAlphabet {
  std::array<std::string, 256> character;       // UTF-8 of the character that stands for a byte
  std::array<std::int16_t, 0x144> byte_of{};    // byte of a code point below U+0144, or -1

  static const ByteAlphabet& get();
  std::string encode(std::string_view bytes) const;
  /// Appends the bytes that the token's characters stand for, or the token itself when one of them stands for none.
  void decode_to(std::string_view token, std::string& out) const;
};

}  // namespace grm
