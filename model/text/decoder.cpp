#include "model/text/decoder.h"

#include <algorithm>
#include <utility>

#include "model/text/byte_alphabet.h"
#include "model/text/token_model.h"
#include "model/text/unicode.h"

namespace grm {
namespace {

std::string join(const std::vector<std::string>& tokens) {
  std::string out;
  for (const std::string& token : tokens) {
    out += token;
  }
  return out;
}

std::vector<std::string> fall_back_from_bytes(const std::vector<std::string>& tokens) {
  std::vector<std::string> out;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) {
      return;
    }
    if (is_valid_utf8(bytes)) {
      out.push_back(bytes);
    } else {
      out.insert(out.end(), bytes.size(), "\xEF\xBF\xBD");  // one U+FFFD for each byte of the run
    }
    bytes.clear();
  };
  for (const std::string& token : tokens) {
    const int byte = byte_of_token(token);
    if (byte >= 0) {
      bytes.push_back(static_cast<char>(byte));
      continue;
    }
    flush();
    out.push_back(token);
  }
  flush();
  return out;
}

std::string strip(const std::string& token, const DecodeStrip& strip) {
  const std::u32string characters = to_utf32(token);
  std::size_t begin = 0;
  std::size_t end = characters.size();
  while (begin < std::min(strip.start, characters.size()) && characters[begin] == strip.content) {
    ++begin;
  }
  while (end > begin && characters.size() - end < strip.stop && characters[end - 1] == strip.content) {
    --end;
  }
  return to_utf8(std::u32string_view(characters).substr(begin, end - begin));
}

void read_template(const JsonPlace& place, PostProcessor& out) {
  place.allow_keys({"type", "single", "pair", "special_tokens"});
  const JsonPlace single = place.at("single");
  if (!single.value.is_array()) {
    single.fail("expected a list");
  }
  bool seen_text = false;
  for (std::size_t i = 0; i < single.value.size(); ++i) {
    const JsonPlace piece = single.at(i);
    piece.allow_keys({"SpecialToken", "Sequence"});
    if (piece.has("Sequence")) {
      if (seen_text || piece.at("Sequence").string_at("id") != "A") {
        piece.fail("the template of a single text must hold sequence A exactly once");
      }
      seen_text = true;
      continue;
    }
    const JsonPlace token = place.at("special_tokens").at(piece.at("SpecialToken").string_at("id"));
    const JsonPlace ids = token.at("ids");
    if (!ids.value.is_array()) {
      ids.fail("expected a list");
    }
    for (std::size_t k = 0; k < ids.value.size(); ++k) {
      (seen_text ? out.after : out.before).push_back(static_cast<std::int32_t>(ids.at(k).integer(0, kMaxTokenId)));
    }
  }
  if (!seen_text) {
    single.fail("the template of a single text must hold sequence A exactly once");
  }
}

}  // namespace

int byte_of_token(const std::string& token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') {
    return -1;
  }
  int value = 0;
  for (const char c : token.substr(3, 2)) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                             : -1;
    if (digit < 0) {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

Decoder Decoder::read(const JsonPlace& place) {
  const std::string type = place.string_at("type");
  if (type == "Sequence") {
    place.allow_keys({"type", "decoders"});
    DecodeSequence sequence;
    const JsonPlace steps = place.at("decoders");
    if (!steps.value.is_array()) {
      steps.fail("expected a list");
    }
    for (std::size_t i = 0; i < steps.value.size(); ++i) {
      sequence.steps.push_back(read(steps.at(i)));
    }
    return {std::move(sequence)};
  }
  if (type == "ByteLevel") {
    place.allow_keys({"type", "add_prefix_space", "trim_offsets", "use_regex"});
    return {DecodeByteLevel{}};
  }
  if (type == "Strip") {
    place.allow_keys({"type", "content", "start", "stop"});
    const std::u32string content = to_utf32(place.string_at("content"));
    if (content.size() != 1) {
      place.at("content").fail("expected one character");
    }
    return {DecodeStrip{content[0], static_cast<std::size_t>(place.at("start").integer(0, kMaxTokenId)),
                        static_cast<std::size_t>(place.at("stop").integer(0, kMaxTokenId))}};
  }
  if (type == "Replace") {
    place.allow_keys({"type", "pattern", "content"});
    return {DecodeReplace{Pattern(place.at("pattern")), place.string_at("content")}};
  }
  place.allow_keys({"type"});
  if (type == "ByteFallback") return {DecodeByteFallback{}};
  if (type == "Fuse") return {DecodeFuse{}};
  place.fail("decoder type \"" + type + "\" is not supported; known: ByteLevel, ByteFallback, Fuse, Strip, Replace, Sequence");
}

void Decoder::apply(std::vector<std::string>& tokens) const {
  struct Visitor {
    std::vector<std::string>& tokens;
    void operator()(const DecodeSequence& s) const {
      for (const Decoder& inner : s.steps) {
        inner.apply(tokens);
      }
    }
    void operator()(const DecodeByteLevel&) const {
      std::string bytes;
      for (const std::string& token : tokens) {
        ByteAlphabet::get().decode_to(token, bytes);
      }
      tokens = {utf8_lossy(bytes)};
    }
    void operator()(const DecodeByteFallback&) const { tokens = fall_back_from_bytes(tokens); }
    void operator()(const DecodeFuse&) const { tokens = {join(tokens)}; }
    void operator()(const DecodeStrip& s) const {
      for (std::string& token : tokens) {
        token = strip(token, s);
      }
    }
    void operator()(const DecodeReplace& s) const {
      for (std::string& token : tokens) {
        token = s.pattern.replace_all(token, s.content);
      }
    }
  };
  std::visit(Visitor{tokens}, step);
}

bool Decoder::has_byte_fallback() const {
  const auto* sequence = std::get_if<DecodeSequence>(&step);
  return sequence == nullptr ? std::holds_alternative<DecodeByteFallback>(step)
                             : std::any_of(sequence->steps.begin(), sequence->steps.end(),
                                           [](const Decoder& inner) { return inner.has_byte_fallback(); });
}

PostProcessor PostProcessor::read(const JsonPlace& place) {
  PostProcessor out;
  const std::string type = place.string_at("type");
  if (type == "ByteLevel") {
    place.allow_keys({"type", "add_prefix_space", "trim_offsets", "use_regex"});
    return out;  // moves offsets only
  }
  if (type == "TemplateProcessing") {
    read_template(place, out);
    return out;
  }
  if (type == "Sequence") {
    place.allow_keys({"type", "processors"});
    const JsonPlace steps = place.at("processors");
    if (!steps.value.is_array()) {
      steps.fail("expected a list");
    }
    for (std::size_t i = 0; i < steps.value.size(); ++i) {
      const PostProcessor inner = read(steps.at(i));
      out.before.insert(out.before.begin(), inner.before.begin(), inner.before.end());
      out.after.insert(out.after.end(), inner.after.begin(), inner.after.end());
    }
    return out;
  }
  place.fail("post-processor type \"" + type + "\" is not supported; known: ByteLevel, TemplateProcessing, Sequence");
}

}  // namespace grm
