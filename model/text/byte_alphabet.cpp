#include "model/text/byte_alphabet.h"

#include "model/text/unicode.h"

namespace grm {

const ByteAlphabet& ByteAlphabet::get() {
  static const ByteAlphabet alphabet = [] {
    ByteAlphabet a;
    a.byte_of.fill(-1);
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
      const char32_t c = printable ? static_cast<char32_t>(byte) : next++;
      append_utf8(a.character[byte], c);
      a.byte_of[c] = static_cast<std::int16_t>(byte);
    }
    return a;
  }();
  return alphabet;
}

std::string ByteAlphabet::encode(std::string_view bytes) const {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    out += character[static_cast<unsigned char>(byte)];
  }
  return out;
}

void ByteAlphabet::decode_to(std::string_view token, std::string& out) const {
  const std::size_t before = out.size();
  for (std::size_t i = 0; i < token.size();) {
    const CodePoint c = read_code_point(token, i);
    if (c.value >= byte_of.size() || byte_of[c.value] < 0) {
      out.resize(before);
      out += token;
      return;
    }
    out.push_back(static_cast<char>(byte_of[c.value]));
    i += c.size;
  }
}

}  // namespace grm
