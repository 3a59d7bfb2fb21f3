// "%s" % x and "{}".format(x).
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "model/text/jinja/interpreter.h"
#include "model/text/unicode.h"

namespace grm::jinja {
namespace {

constexpr int kMaxWidth = 10'000;

struct Spec {
  std::string fill = " ";
  char align = '\0';  // < > ^ =
  char sign = '-';
  bool alternate = false;
  bool comma = false;
  int width = 0;
  int precision = -1;
  char type = '\0';
};

int read_number(std::string_view text, std::size_t& at) {
  int value = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    value = value * 10 + (text[at] - '0');
    if (value > kMaxWidth) {
      throw Fault("a width or precision in a format is larger than " + std::to_string(kMaxWidth));
    }
  }
  return value;
}

std::string float_text(double v, char type, int precision) {
  const char lower = static_cast<char>(type | 0x20);
  char format[8];
  std::snprintf(format, sizeof format, "%%.*%c", lower == '%' || lower == 'f' ? 'f' : type);
  std::string out(static_cast<std::size_t>(std::max(precision, 0)) + 400, '\0');
  const int size = std::snprintf(out.data(), out.size(), format, precision < 0 ? 6 : precision, v);
  out.resize(static_cast<std::size_t>(std::max(size, 0)));
  return out;
}

std::string integer_text(std::int64_t v, char type) {
  const int base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
  char buffer[72];
  std::string out(buffer, std::to_chars(buffer, buffer + sizeof buffer, v, base).ptr);
  if (type == 'X') {
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; });
  }
  return out;
}

std::string pad(std::string text, const Spec& spec, bool number) {
  const std::size_t size = to_utf32(text).size();
  const auto width = static_cast<std::size_t>(spec.width);
  if (size >= width) return text;
  const std::size_t missing = width - size;
  const char align = spec.align != '\0' ? spec.align : number ? '>' : '<';
  const std::size_t left = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
  std::string before;
  std::string after;
  for (std::size_t i = 0; i < left; ++i) before += spec.fill;
  for (std::size_t i = left; i < missing; ++i) after += spec.fill;
  if (align == '=') {
    const std::size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+' || text[0] == ' ') ? 1 : 0;
    return text.substr(0, sign) + before + text.substr(sign);
  }
  return before + text + after;
}

std::string with_sign(std::string digits, char sign) {
  return digits.starts_with('-') || sign == '-' ? digits : std::string(1, sign) + digits;
}

std::string group_thousands(const std::string& text) {
  const std::size_t begin = text.starts_with('-') ? 1 : 0;
  const std::size_t end = std::min(text.find('.'), text.size());
  std::string out = text.substr(0, begin);
  for (std::size_t i = begin; i < end; ++i) {
    out += i > begin && (end - i) % 3 == 0 ? "," : "";
    out += text[i];
  }
  return out + text.substr(end);
}

std::string format_value(const Value& value, const Spec& spec) {
  const bool floating = spec.type != '\0' && std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos;
  std::string text;
  bool number = false;
  if (value.is_number() && !value.is<bool>() && (floating || value.is<double>())) {
    number = true;
    if (!floating && spec.precision < 0) {
      text = float_repr(value.number());
    } else {
      text = float_text(value.number() * (spec.type == '%' ? 100 : 1), spec.type == '\0' ? 'g' : spec.type, spec.precision);
      text += spec.type == '%' ? "%" : "";
    }
  } else if (value.is_integer() &&
             (spec.type == '\0' ? !value.is<bool>() : std::string_view("dxXobc").find(spec.type) != std::string_view::npos)) {
    number = true;
    text = integer_text(value.integer(), spec.type);
  } else if (spec.type == '\0' || spec.type == 's') {
    text = value.text();
    if (spec.precision >= 0) {
      text = to_utf8(to_utf32(text).substr(0, static_cast<std::size_t>(spec.precision)));
    }
  } else {
    throw Fault("Unknown format code '" + std::string(1, spec.type) + "' for object of type '" + value.type_name() + "'");
  }
  if (spec.comma) text = group_thousands(text);
  if (number) text = with_sign(std::move(text), spec.sign);
  return pad(std::move(text), spec, number);
}

Spec read_spec(std::string_view text) {
  Spec spec;
  std::size_t at = 0;
  const auto is_align = [&](std::size_t i) {
    return i < text.size() && std::string_view("<>^=").find(text[i]) != std::string_view::npos;
  };
  const std::size_t first = text.empty() ? 0 : read_code_point(text, 0).size;
  if (first > 0 && is_align(first)) {
    spec.fill = std::string(text.substr(0, first));
    spec.align = text[first];
    at = first + 1;
  } else if (is_align(0)) {
    spec.align = text[0];
    at = 1;
  }
  if (at < text.size() && (text[at] == '+' || text[at] == '-' || text[at] == ' ')) spec.sign = text[at++];
  if (at < text.size() && text[at] == '#') throw Fault("the format flag '#' is not supported");
  if (at < text.size() && text[at] == '0') {
    if (spec.align == '\0') {
      spec.fill = "0";
      spec.align = '=';
    }
    ++at;
  }
  spec.width = read_number(text, at);
  if (at < text.size() && text[at] == ',') {
    spec.comma = true;
    ++at;
  }
  if (at < text.size() && text[at] == '.') spec.precision = read_number(text, ++at);
  if (at < text.size()) spec.type = text[at++];
  if (at != text.size()) throw Fault("Invalid format specifier '" + std::string(text.substr(0, 40)) + "'");
  return spec;
}

/// One "%…" behind its percent sign; `at` moves past it.
std::string one_percent(std::string_view format, std::size_t& at, const Value& value, Spec spec) {
  const char type = at < format.size() ? format[at++] : '\0';
  const auto need_number = [&] {
    if (!value.is_number()) throw Fault("%" + std::string(1, type) + " format: a number is required, not " + value.type_name());
  };
  if (spec.align == '\0') spec.align = '>';
  std::string text;
  switch (type) {
    case 's':
    case 'r':
      text = type == 's' ? value.text() : value.repr();
      if (spec.precision >= 0) text = to_utf8(to_utf32(text).substr(0, static_cast<std::size_t>(spec.precision)));
      if (spec.fill == "0") spec.fill = " ";
      if (spec.align == '=') spec.align = '>';
      return pad(std::move(text), spec, false);
    case 'd':
    case 'i':
    case 'u':
      need_number();
      text = value.is_integer() ? integer_text(value.integer(), 'd') : float_text(std::trunc(value.number()), 'f', 0);
      break;
    case 'x':
    case 'X':
    case 'o':
      if (!value.is_integer())
        throw Fault("%" + std::string(1, type) + " format: an integer is required, not " + value.type_name());
      text = integer_text(value.integer(), type);
      break;
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      need_number();
      text = float_text(value.number(), type, spec.precision);
      break;
    default: throw Fault("unsupported format character in '%'-formatting");
  }
  return pad(with_sign(std::move(text), spec.sign), spec, true);
}

}  // namespace

std::string percent_format(std::string_view format, const Values& values, const Dict* named) {
  std::string out;
  std::size_t used = 0;
  bool by_name = false;
  for (std::size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      out += format[at++];
      continue;
    }
    if (++at < format.size() && format[at] == '%') {
      out += '%';
      ++at;
      continue;
    }
    const Value* value = nullptr;
    if (at < format.size() && format[at] == '(') {
      const std::size_t end = format.find(')', at);
      if (end == std::string_view::npos || named == nullptr) throw Fault("format requires a mapping");
      value = named->find(Value(std::string(format.substr(at + 1, end - at - 1))));
      if (value == nullptr) throw Fault("format: no such key");
      at = end + 1;
      by_name = true;
    }
    Spec spec;
    for (; at < format.size() && std::string_view("-+ 0#").find(format[at]) != std::string_view::npos; ++at) {
      if (format[at] == '-') spec.align = '<';
      if (format[at] == '+') spec.sign = '+';
      if (format[at] == ' ' && spec.sign != '+') spec.sign = ' ';
      if (format[at] == '0' && spec.align != '<') {
        spec.fill = "0";
        spec.align = '=';
      }
    }
    if (spec.align == '<') spec.fill = " ";
    spec.width = read_number(format, at);
    if (at < format.size() && format[at] == '.') spec.precision = read_number(format, ++at);
    if (value == nullptr) {
      if (used >= values.size()) throw Fault("not enough arguments for format string");
      value = &values[used++];
    }
    out += one_percent(format, at, *value, spec);
    if (out.size() > kMaxBytes) throw Fault("a string grows beyond " + std::to_string(kMaxBytes) + " bytes");
  }
  if (used < values.size() && !by_name && named == nullptr) {
    throw Fault("not all arguments converted during string formatting");
  }
  return out;
}

std::string brace_format(Interpreter& run, std::string_view format, const CallArguments& arguments) {
  std::string out;
  std::size_t next = 0;
  bool numbered = false;
  const auto field = [&](std::string_view inside) {
    const std::size_t colon = inside.find(':');
    std::string_view name = inside.substr(0, colon);
    const std::string_view spec = colon == std::string_view::npos ? std::string_view() : inside.substr(colon + 1);
    const std::size_t bang = name.find('!');
    const char conversion = bang != std::string_view::npos && bang + 1 < name.size() ? name[bang + 1] : '\0';
    name = name.substr(0, bang);
    const std::size_t end = std::min(name.find_first_of(".["), name.size());
    if (end < name.size())
      throw Fault("attributes in format fields are not supported: '" + std::string(inside.substr(0, 40)) + "'");
    const Value* value = nullptr;
    std::size_t index = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), index);
    if (name.empty()) {
      if (numbered) throw Fault("cannot switch from manual field specification to automatic field numbering");
      value = next < arguments.positional.size() ? &arguments.positional[next] : nullptr;
      ++next;
    } else if (parsed.ec == std::errc() && parsed.ptr == name.data() + name.size()) {
      if (next > 0) throw Fault("cannot switch from automatic field numbering to manual field specification");
      numbered = true;
      value = index < arguments.positional.size() ? &arguments.positional[index] : nullptr;
    } else {
      value = arguments.keyword(name);
    }
    if (value == nullptr) throw Fault("format: no argument for field '" + std::string(name.substr(0, 40)) + "'");
    const Value shown = conversion == 'r' ? Value(value->repr()) : conversion == 's' ? Value(value->text()) : *value;
    return format_value(shown, read_spec(spec));
  };
  for (std::size_t at = 0; at < format.size();) {
    const char c = format[at];
    if ((c == '{' || c == '}') && at + 1 < format.size() && format[at + 1] == c) {
      out += c;
      at += 2;
    } else if (c == '{') {
      const std::size_t end = format.find('}', at);
      if (end == std::string_view::npos) throw Fault("expected '}' before end of string");
      out += field(format.substr(at + 1, end - at - 1));
      at = end + 1;
    } else if (c == '}') {
      throw Fault("Single '}' encountered in format string");
    } else {
      out += c;
      ++at;
    }
    run.charge(1);
    if (out.size() > kMaxBytes) throw Fault("a string grows beyond " + std::to_string(kMaxBytes) + " bytes");
  }
  return out;
}

}  // namespace grm::jinja
