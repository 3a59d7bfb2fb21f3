#include "model/text/jinja/lexer.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "model/text/unicode.h"

namespace grm::jinja {
namespace {

/// Lines end in "\n" only, and one newline at the end is dropped.
std::string normalize_newlines(std::string_view source) {
  std::string out;
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      i += i + 1 < source.size() && source[i + 1] == '\n' ? 1 : 0;
    } else {
      out += source[i];
    }
  }
  if (out.ends_with('\n')) {
    out.pop_back();
  }
  return out;
}

std::size_t skip_space(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const CodePoint c = read_code_point(text, at);
    if (!python_space(c.value)) {
      break;
    }
    at += c.size;
  }
  return at;
}

bool all_space(std::string_view text) { return skip_space(text, 0) == text.size(); }

std::string_view strip_end(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = read_code_point(text, i);
    i += c.size;
    end = python_space(c.value) ? end : i;
  }
  return text.substr(0, end);
}

class Lexer {
 public:
  Lexer(std::string text, int& line) : text_(std::move(text)), line_(line) {}

  std::vector<Token> run() {
    line_ = 1;
    while (at_ < text_.size()) {
      root();
    }
    push(TokenKind::kEnd, "end of template");
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return std::string_view(text_).substr(at_); }
  bool looking_at(std::string_view what) const { return rest().starts_with(what); }
  void push(TokenKind kind, std::string text) { tokens_.push_back({kind, std::move(text), {}, line_}); }

  /// Moves on, counting lines; remembers whether what was passed ended a line.
  void advance(std::size_t count) {
    line_ += static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         text_.begin() + static_cast<std::ptrdiff_t>(at_ + count), '\n'));
    if (count > 0) {
      line_starting_ = text_[at_ + count - 1] == '\n';
    }
    at_ += count;
  }

  void root() {
    std::size_t tag = std::string::npos;
    for (std::size_t i = text_.find('{', at_); i != std::string::npos && i + 1 < text_.size(); i = text_.find('{', i + 1)) {
      if (text_[i + 1] == '{' || text_[i + 1] == '%' || text_[i + 1] == '#') {
        tag = i;
        break;
      }
    }
    if (tag == std::string::npos) {
      data(std::string(rest()));
      advance(text_.size() - at_);
      return;
    }
    const char kind = text_[tag + 1];
    const char sign = tag + 2 < text_.size() ? text_[tag + 2] : ' ';
    std::string_view before = rest().substr(0, tag - at_);
    if (sign == '-') {
      before = strip_end(before);
    } else if (sign != '+' && kind != '{') {  // lstrip_blocks
      const std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
      if ((line_start > 0 || line_starting_) && all_space(before.substr(line_start))) {
        before = before.substr(0, line_start);
      }
    }
    data(std::string(before));
    advance(tag - at_);
    const std::size_t open = sign == '-' || sign == '+' ? 3 : 2;
    if (kind == '#') {
      comment();
    } else if (kind == '%' && raw_block(open)) {
      return;
    } else {
      push(kind == '{' ? TokenKind::kVariableBegin : TokenKind::kBlockBegin, kind == '{' ? "{{" : "{%");
      advance(open);
      inside(kind == '{');
    }
  }

  void data(std::string text) {
    if (!text.empty()) {
      push(TokenKind::kData, std::move(text));
    }
  }

  void comment() {
    const std::size_t end = text_.find("#}", at_ + 2);
    if (end == std::string::npos) {
      throw Fault("missing end of comment tag");
    }
    advance_past_end(end, text_[end - 1], 2, true);
  }

  /// Past the closing tag at `end`, and what its sign or trim_blocks swallow.
  void advance_past_end(std::size_t end, char sign, std::size_t size, bool trim) {
    std::size_t to = end + size;
    if (sign == '-') {
      to = skip_space(text_, to);
    } else if (sign != '+' && trim && to < text_.size() && text_[to] == '\n') {
      ++to;
    }
    advance(to - at_);
  }

  bool raw_block(std::size_t open) {
    std::size_t i = skip_space(text_, at_ + open);
    if (!std::string_view(text_).substr(i).starts_with("raw")) {
      return false;
    }
    i = skip_space(text_, i + 3);
    const bool minus = i < text_.size() && text_[i] == '-';
    if (!std::string_view(text_).substr(i + (minus ? 1 : 0)).starts_with("%}")) {
      return false;
    }
    advance_past_end(i + (minus ? 1 : 0), minus ? '-' : ' ', 2, false);
    for (std::size_t tag = text_.find("{%", at_); tag != std::string::npos; tag = text_.find("{%", tag + 2)) {
      const char sign = tag + 2 < text_.size() ? text_[tag + 2] : ' ';
      std::size_t j = skip_space(text_, tag + (sign == '-' || sign == '+' ? 3 : 2));
      if (!std::string_view(text_).substr(j).starts_with("endraw")) {
        continue;
      }
      j = skip_space(text_, j + 6);
      const char end_sign = j < text_.size() ? text_[j] : ' ';
      const std::size_t end = j + (end_sign == '-' || end_sign == '+' ? 1 : 0);
      if (!std::string_view(text_).substr(end).starts_with("%}")) {
        continue;
      }
      std::string_view body = rest().substr(0, tag - at_);
      if (sign == '-') {
        body = strip_end(body);
      } else if (sign != '+') {
        const std::size_t line_start = body.rfind('\n') == std::string_view::npos ? 0 : body.rfind('\n') + 1;
        if ((line_start > 0 || line_starting_) && all_space(body.substr(line_start))) {
          body = body.substr(0, line_start);
        }
      }
      data(std::string(body));
      advance_past_end(end, end_sign, 2, true);
      return true;
    }
    throw Fault("missing end of raw directive");
  }

  /// Tokens of an expression or statement up to its closing tag.
  void inside(bool variable) {
    std::string open;  // brackets waiting for their counterpart
    const std::string_view end = variable ? "}}" : "%}";
    while (true) {
      advance(skip_space(text_, at_) - at_);
      if (at_ >= text_.size()) {
        throw Fault(variable ? "unexpected end of template, expected '}}'" : "unexpected end of template, expected '%}'");
      }
      const char sign = text_[at_];
      const bool signed_end = (sign == '-' || (sign == '+' && !variable)) && rest().substr(1).starts_with(end);
      if (open.empty() && (signed_end || looking_at(end))) {
        push(variable ? TokenKind::kVariableEnd : TokenKind::kBlockEnd, std::string(end));
        advance_past_end(at_ + (signed_end ? 1 : 0), signed_end ? sign : ' ', 2, !variable);
        return;
      }
      token(open);
    }
  }

  void token(std::string& open) {
    const char c = text_[at_];
    const CodePoint point = read_code_point(text_, at_);
    if (c >= '0' && c <= '9') {
      number();
    } else if (c == '"' || c == '\'') {
      string(c);
    } else if (c == '_' || is_word_character(point.value)) {
      std::size_t end = at_;
      while (end < text_.size() && (text_[end] == '_' || is_word_character(read_code_point(text_, end).value))) {
        end += read_code_point(text_, end).size;
      }
      push(TokenKind::kName, text_.substr(at_, end - at_));
      advance(end - at_);
    } else {
      operator_token(open);
    }
  }

  void operator_token(std::string& open) {
    for (const std::string_view op : {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
                                      "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"}) {
      if (!looking_at(op)) {
        continue;
      }
      if (op == "(" || op == "[" || op == "{") {
        open += op == "(" ? ')' : op == "[" ? ']' : '}';
      } else if (op == ")" || op == "]" || op == "}") {
        if (open.empty() || open.back() != op[0]) {
          throw Fault("unexpected '" + std::string(op) + "'");
        }
        open.pop_back();
      }
      push(TokenKind::kOperator, std::string(op));
      advance(op.size());
      return;
    }
    throw Fault("unexpected char " + string_repr(rest().substr(0, read_code_point(text_, at_).size)));
  }

  void number() {
    std::size_t end = at_;
    const auto digits = [&] {
      while (end < text_.size() && ((text_[end] >= '0' && text_[end] <= '9') || text_[end] == '_')) {
        ++end;
      }
    };
    const auto is_digit = [&](std::size_t i) { return i < text_.size() && text_[i] >= '0' && text_[i] <= '9'; };
    int base = 10;
    if (text_[at_] == '0' && at_ + 1 < text_.size()) {
      const char letter = static_cast<char>(text_[at_ + 1] | 0x20);
      base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
    }
    bool is_float = false;
    if (base != 10) {
      end += 2;
      while (end < text_.size() && (std::isxdigit(static_cast<unsigned char>(text_[end])) != 0 || text_[end] == '_')) {
        ++end;
      }
    } else {
      digits();
      const bool after_dot = !tokens_.empty() && tokens_.back().kind == TokenKind::kOperator && tokens_.back().text == ".";
      if (!after_dot && end + 1 < text_.size() && text_[end] == '.' && is_digit(end + 1)) {
        is_float = true;
        ++end;
        digits();
      }
      std::size_t e = end + 1;
      if (end < text_.size() && (text_[end] | 0x20) == 'e') {
        e += e < text_.size() && (text_[e] == '+' || text_[e] == '-') ? 1 : 0;
        if (is_digit(e)) {
          is_float = true;
          end = e;
          digits();
        }
      }
    }
    std::string digits_only;
    std::copy_if(text_.begin() + static_cast<std::ptrdiff_t>(at_), text_.begin() + static_cast<std::ptrdiff_t>(end),
                 std::back_inserter(digits_only), [](char c) { return c != '_'; });
    push(is_float ? TokenKind::kFloat : TokenKind::kInteger, digits_only);
    if (is_float) {
      tokens_.back().value = Value(std::strtod(digits_only.c_str(), nullptr));
    } else {
      std::int64_t value = 0;
      const char* first = digits_only.data() + (base == 10 ? 0 : 2);
      const char* last = digits_only.data() + digits_only.size();
      const auto [stop, error] = std::from_chars(first, last, value, base);
      if (error != std::errc() || stop != last || (base == 10 && digits_only.size() > 1 && digits_only[0] == '0' && value != 0)) {
        throw Fault("number " + digits_only + " is malformed or too large");
      }
      tokens_.back().value = Value(value);
    }
    advance(end - at_);
  }

  void string(char quote) {
    std::string value;
    std::size_t i = at_ + 1;
    while (i < text_.size() && text_[i] != quote) {
      if (text_[i] != '\\') {
        value += text_[i++];
        continue;
      }
      escape(i, value);
    }
    if (i >= text_.size()) {
      throw Fault("a string is not closed");
    }
    push(TokenKind::kString, utf8_lossy(value));
    advance(i + 1 - at_);
  }

  /// Python's escapes; an unknown one stays as it is, backslash included.
  void escape(std::size_t& i, std::string& out) {
    const char c = i + 1 < text_.size() ? text_[i + 1] : '\0';
    constexpr std::string_view kLetters = "ntr\\'\"abfv";
    constexpr std::string_view kMeaning = "\n\t\r\\'\"\a\b\f\v";
    if (const std::size_t known = kLetters.find(c); c != '\0' && known != std::string_view::npos) {
      out += kMeaning[known];
      i += 2;
    } else if (c == '\n') {
      i += 2;
    } else if (c == 'x' || c == 'u' || c == 'U') {
      const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      std::uint32_t value = 0;
      const char* first = text_.data() + std::min(i + 2, text_.size());
      const char* last = text_.data() + std::min(i + 2 + digits, text_.size());
      if (static_cast<std::size_t>(last - first) != digits || std::from_chars(first, last, value, 16).ptr != last ||
          value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
        throw Fault("bad escape in a string: \\" + std::string(1, c));
      }
      append_utf8(out, value);
      i += 2 + digits;
    } else if (c >= '0' && c <= '7') {
      std::uint32_t value = 0;
      int digits = 0;
      for (++i; i < text_.size() && digits < 3 && text_[i] >= '0' && text_[i] <= '7'; ++i, ++digits) {
        value = value * 8 + static_cast<std::uint32_t>(text_[i] - '0');
      }
      append_utf8(out, value);
    } else {
      out += text_[i++];
      if (i < text_.size() && text_[i] != '\0') {
        out += text_[i++];
      }
    }
  }

  std::string text_;
  int& line_;
  std::size_t at_ = 0;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> lex(std::string_view source, int& line) { return Lexer(normalize_newlines(utf8_lossy(source)), line).run(); }

}  // namespace grm::jinja
