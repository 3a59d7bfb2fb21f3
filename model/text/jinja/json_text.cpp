// Python's json.dumps: the `tojson` filter as transformers has it.
#include <algorithm>
#include <cmath>

#include "model/text/jinja/value.h"
#include "model/text/unicode.h"

namespace grm::jinja {
namespace {

void write_string(std::string_view text, bool ensure_ascii, std::string& out) {
  const auto unit = [&](char32_t c) {
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) {
      out += "0123456789abcdef"[(c >> shift) & 15U];
    }
  };
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = read_code_point(text, i);
    switch (c.value) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\f': out += "\\f"; break;
      case '\b': out += "\\b"; break;
      default:
        if (c.value >= 0x10000 && ensure_ascii) {
          unit(0xD800 + ((c.value - 0x10000) >> 10));
          unit(0xDC00 + ((c.value - 0x10000) & 0x3FF));
        } else if (c.value < 0x20 || (ensure_ascii && c.value > 0x7E)) {
          unit(c.value);
        } else {
          out += text.substr(i, c.size);
        }
    }
    i += c.size;
  }
  out += '"';
}

std::string scalar_text(const Value& value) {
  if (value.is_none()) return "null";
  if (value.is<bool>()) return value.truthy() ? "true" : "false";
  if (value.is<double>()) {
    const double v = value.number();
    return std::isnan(v) ? "NaN" : std::isinf(v) ? (v > 0 ? "Infinity" : "-Infinity") : float_repr(v);
  }
  if (value.is_integer()) return std::to_string(value.integer());
  throw Fault("Object of type " + value.type_name() + " is not JSON serializable");
}

void write(const Value& value, const JsonFormat& format, std::size_t level, std::string& out) {
  if (out.size() > kMaxBytes) {
    throw Fault("JSON text grows beyond " + std::to_string(kMaxBytes) + " bytes");
  }
  const auto new_line = [&](std::size_t depth) {
    if (format.multiline) {
      out += '\n';
      for (std::size_t i = 0; i < depth; ++i) {
        out += format.indent;
      }
    }
  };
  if (const auto* s = value.string()) {
    write_string(*s, format.ensure_ascii, out);
  } else if (const auto* list = value.sequence();
             list != nullptr && (list->kind == SequenceKind::kList || list->kind == SequenceKind::kTuple)) {
    out += '[';
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      out += i > 0 ? format.item_separator : "";
      new_line(level + 1);
      write(list->items[i], format, level + 1, out);
    }
    if (!list->items.empty()) {
      new_line(level);
    }
    out += ']';
  } else if (const auto* dict = value.dict()) {
    auto items = dict->items;
    if (format.sort_keys) {
      std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return less(a.first, b.first); });
    }
    out += '{';
    for (std::size_t i = 0; i < items.size(); ++i) {
      out += i > 0 ? format.item_separator : "";
      new_line(level + 1);
      write_string(items[i].first.is_string() ? *items[i].first.string() : scalar_text(items[i].first), format.ensure_ascii, out);
      out += format.key_separator;
      write(items[i].second, format, level + 1, out);
    }
    if (!items.empty()) {
      new_line(level);
    }
    out += '}';
  } else {
    out += scalar_text(value);
  }
}

}  // namespace

std::string to_json(const Value& value, const JsonFormat& format) {
  std::string out;
  write(value, format, 0, out);
  return out;
}

}  // namespace grm::jinja
