// What Python's str does, over UTF-8.
#include <algorithm>

#include "model/text/jinja/interpreter.h"
#include "model/text/unicode.h"

namespace grm::jinja {
namespace {

bool is_line_end(char32_t c) {
  return c == '\n' || c == '\r' || c == '\v' || c == '\f' || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

Values split_on_space(std::string_view text, std::int64_t limit, bool from_right) {
  const std::u32string characters = to_utf32(text);
  std::vector<std::u32string> words;
  std::size_t begin = 0;
  std::size_t end = characters.size();
  const auto space = [&](std::size_t i) { return python_space(characters[i]); };
  while (begin < end) {
    if (from_right) {
      while (end > begin && space(end - 1)) --end;
      if (end == begin) break;
      std::size_t word = end;
      const bool last = limit >= 0 && static_cast<std::int64_t>(words.size()) == limit;
      while (word > begin && (last || !space(word - 1))) --word;
      words.push_back(characters.substr(word, end - word));
      end = last ? begin : word;
    } else {
      while (begin < end && space(begin)) ++begin;
      if (end == begin) break;
      std::size_t word = begin;
      const bool last = limit >= 0 && static_cast<std::int64_t>(words.size()) == limit;
      while (word < end && (last || !space(word))) ++word;
      words.push_back(characters.substr(begin, word - begin));
      begin = word;
    }
  }
  if (from_right) {
    std::reverse(words.begin(), words.end());
  }
  Values out;
  for (const std::u32string& word : words) {
    out.emplace_back(to_utf8(word));
  }
  return out;
}

}  // namespace

std::string strip(std::string_view text, const std::string* characters, bool left, bool right) {
  const std::u32string all = to_utf32(text);
  const std::u32string set = characters != nullptr ? to_utf32(*characters) : std::u32string();
  const auto drop = [&](char32_t c) { return characters != nullptr ? set.find(c) != std::u32string::npos : python_space(c); };
  std::size_t begin = 0;
  std::size_t end = all.size();
  while (left && begin < end && drop(all[begin])) ++begin;
  while (right && end > begin && drop(all[end - 1])) --end;
  return to_utf8(std::u32string_view(all).substr(begin, end - begin));
}

std::string capitalize(std::string_view text) {
  if (text.empty()) return {};
  const std::size_t first = read_code_point(text, 0).size;
  return to_upper(text.substr(0, first)) + to_lower(text.substr(first));
}

std::string title_case(std::string_view text) {
  std::string out;
  bool inside = false;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = read_code_point(text, i);
    const std::string_view one = text.substr(i, c.size);
    out += inside ? to_lower(one) : to_upper(one);
    inside = is_lower(c.value) || is_upper_or_title(c.value);
    i += c.size;
  }
  return out;
}

std::string title_words(std::string_view text) {
  std::string out;
  std::string word;
  const auto flush = [&] {
    out += capitalize(word);
    word.clear();
  };
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = read_code_point(text, i);
    if (python_space(c.value) || c.value == '-' || c.value == '(' || c.value == '{' || c.value == '[' || c.value == '<') {
      flush();
      out += text.substr(i, c.size);
    } else {
      word += text.substr(i, c.size);
    }
    i += c.size;
  }
  flush();
  return out;
}

Values split_lines(std::string_view text, bool keep_ends) {
  Values out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = read_code_point(text, i);
    if (!is_line_end(c.value)) {
      i += c.size;
      continue;
    }
    const std::size_t end = i;
    i += c.size + (c.value == '\r' && i + 1 < text.size() && text[i + 1] == '\n' ? 1 : 0);
    out.emplace_back(std::string(text.substr(begin, (keep_ends ? i : end) - begin)));
    begin = i;
  }
  if (begin < text.size()) {
    out.emplace_back(std::string(text.substr(begin)));
  }
  return out;
}

Values split(std::string_view text, const Value* separator, std::int64_t limit, bool from_right) {
  if (separator == nullptr || separator->is_none()) {
    return split_on_space(text, limit, from_right);
  }
  if (separator->string() == nullptr) {
    throw Fault("must be str or None, not " + separator->type_name());
  }
  const std::string& by = *separator->string();
  if (by.empty()) {
    throw Fault("empty separator");
  }
  Values out;
  while (limit < 0 || static_cast<std::int64_t>(out.size()) < limit) {
    const std::size_t at = from_right ? text.rfind(by) : text.find(by);
    if (at == std::string_view::npos) {
      break;
    }
    out.emplace_back(std::string(from_right ? text.substr(at + by.size()) : text.substr(0, at)));
    text = from_right ? text.substr(0, at) : text.substr(at + by.size());
  }
  out.emplace_back(std::string(text));
  if (from_right) {
    std::reverse(out.begin(), out.end());
  }
  return out;
}

std::string replace(std::string_view text, std::string_view from, std::string_view to, std::int64_t limit) {
  std::string out;
  const auto check = [&] {
    if (out.size() > kMaxBytes) {
      throw Fault("a string grows beyond " + std::to_string(kMaxBytes) + " bytes");
    }
  };
  std::size_t at = 0;
  std::int64_t done = 0;
  if (from.empty()) {  // between all characters
    while (limit < 0 || done++ < limit) {
      out += to;
      check();
      if (at >= text.size()) {
        return out;
      }
      const std::size_t size = read_code_point(text, at).size;
      out += text.substr(at, size);
      at += size;
    }
    return out.append(text.substr(at));
  }
  while (limit < 0 || done++ < limit) {
    const std::size_t found = text.find(from, at);
    if (found == std::string_view::npos) {
      break;
    }
    out += text.substr(at, found - at);
    out += to;
    check();
    at = found + from.size();
  }
  return out.append(text.substr(at));
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&#34;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace grm::jinja
