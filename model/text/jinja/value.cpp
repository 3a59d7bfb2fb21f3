#include "model/text/jinja/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "model/text/unicode.h"

namespace grm::jinja {
namespace {

int checked_depth(int depth) {
  if (depth > kMaxValueDepth) {
    throw Fault("values are nested deeper than " + std::to_string(kMaxValueDepth) + " levels");
  }
  return depth;
}

Values characters(std::string_view text) {
  Values out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = read_code_point(text, i).size;
    out.emplace_back(std::string(text.substr(i, size)));
    i += size;
  }
  return out;
}

}  // namespace

Value::Value(std::string v) : data_(None{}) {
  if (v.size() > kMaxBytes) {
    throw Fault("a string grows beyond " + std::to_string(kMaxBytes) + " bytes");
  }
  data_ = std::make_shared<const std::string>(std::move(v));
}

Value Value::sequence(Values items, SequenceKind kind) {
  if (items.size() > kMaxItems) {
    throw Fault("a list grows beyond " + std::to_string(kMaxItems) + " items");
  }
  Sequence s{kind, std::move(items), 1, false};
  for (const Value& item : s.items) {
    s.depth = std::max(s.depth, checked_depth(item.depth() + 1));
  }
  return Value(Variant(std::make_shared<const Sequence>(std::move(s))));
}

Value Value::dict(Dict d) {
  for (const auto& [key, value] : d.items) {
    d.depth = std::max(d.depth, checked_depth(std::max(key.depth(), value.depth()) + 1));
  }
  return Value(Variant(std::make_shared<const Dict>(std::move(d))));
}

Value Value::callable(std::string name, std::function<Value(Interpreter&, CallArguments&)> call) {
  return Value(Variant(std::make_shared<const Callable>(Callable{std::move(name), std::move(call)})));
}

Value Value::from_json(const nlohmann::ordered_json& json, int depth) {
  checked_depth(depth);
  switch (json.type()) {
    case nlohmann::ordered_json::value_t::boolean: return json.get<bool>();
    case nlohmann::ordered_json::value_t::number_integer: return json.get<std::int64_t>();
    case nlohmann::ordered_json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
        throw Fault("integer " + json.dump() + " is too large for a template");
      }
      return json.get<std::int64_t>();
    case nlohmann::ordered_json::value_t::number_float: return json.get<double>();
    case nlohmann::ordered_json::value_t::string: return utf8_lossy(json.get_ref<const std::string&>());
    case nlohmann::ordered_json::value_t::array: {
      Values items;
      for (const auto& item : json) {
        items.push_back(from_json(item, depth + 1));
      }
      return sequence(std::move(items));
    }
    case nlohmann::ordered_json::value_t::object: {
      Dict d;
      for (const auto& [key, value] : json.items()) {
        d.items.emplace_back(utf8_lossy(key), from_json(value, depth + 1));
      }
      return dict(std::move(d));
    }
    default: return None{};
  }
}

const std::string* Value::string() const {
  const auto* s = std::get_if<std::shared_ptr<const std::string>>(&data_);
  return s != nullptr ? s->get() : nullptr;
}
const Sequence* Value::sequence() const {
  const auto* s = std::get_if<std::shared_ptr<const Sequence>>(&data_);
  return s != nullptr ? s->get() : nullptr;
}
const Dict* Value::dict() const {
  const auto* d = std::get_if<std::shared_ptr<const Dict>>(&data_);
  return d != nullptr ? d->get() : nullptr;
}
std::int64_t Value::integer() const { return is<bool>() ? std::int64_t{std::get<bool>(data_)} : std::get<std::int64_t>(data_); }
double Value::number() const { return is<double>() ? std::get<double>(data_) : static_cast<double>(integer()); }

bool Value::truthy() const {
  if (is_undefined() || is_none()) return false;
  if (is_number()) return number() != 0.0;
  if (const auto* s = string()) return !s->empty();
  if (const auto* s = sequence()) return s->kind == SequenceKind::kIterator || !s->items.empty();
  if (const auto* d = dict()) return !d->items.empty();
  return true;
}

std::string Value::type_name() const {
  if (is_undefined()) return "Undefined";
  if (is_none()) return "NoneType";
  if (is<bool>()) return "bool";
  if (is<std::int64_t>()) return "int";
  if (is<double>()) return "float";
  if (is_string()) return "str";
  if (dict() != nullptr) return "dict";
  if (name_space() != nullptr) return "Namespace";
  if (const auto* s = sequence()) {
    constexpr const char* kNames[] = {"list", "tuple", "generator", "dict_keys", "dict_values", "dict_items"};
    return kNames[static_cast<std::size_t>(s->kind)];
  }
  return "function";
}

int Value::depth() const {
  if (const auto* s = sequence()) return s->depth;
  if (const auto* d = dict()) return d->depth;
  return 0;
}

std::string Value::text() const {
  if (is_undefined()) return {};
  if (const auto* s = string()) return *s;
  return repr();
}

std::string Value::repr(int level) const {
  checked_depth(level);
  if (is_undefined()) return "Undefined";
  if (is_none()) return "None";
  if (const auto* b = std::get_if<bool>(&data_)) return *b ? "True" : "False";
  if (const auto* i = std::get_if<std::int64_t>(&data_)) return std::to_string(*i);
  if (const auto* d = std::get_if<double>(&data_)) return float_repr(*d);
  if (const auto* s = string()) return string_repr(*s);
  std::string out;
  const auto add = [&](const std::string& part) {
    out += out.empty() ? part : ", " + part;
    if (out.size() > kMaxBytes) {
      throw Fault("a string grows beyond " + std::to_string(kMaxBytes) + " bytes");
    }
  };
  if (const auto* s = sequence()) {
    for (const Value& item : s->items) {
      add(item.repr(level + 1));
    }
    switch (s->kind) {
      case SequenceKind::kList: return "[" + out + "]";
      case SequenceKind::kTuple: return "(" + out + (s->items.size() == 1 ? ",)" : ")");
      case SequenceKind::kIterator: throw Fault("an iterator is printed; use the filter `list` first");
      default: return type_name() + "([" + out + "])";
    }
  }
  if (const auto* d = dict()) {
    for (const auto& [key, value] : d->items) {
      add(key.repr(level + 1) + ": " + value.repr(level + 1));
    }
    return "{" + out + "}";
  }
  if (const auto* n = name_space()) {
    for (const auto& [key, value] : (*n)->attributes) {
      add(string_repr(key) + ": " + value.repr(level + 1));
    }
    return "<Namespace {" + out + "}>";
  }
  throw Fault("a function is printed; call it");
}

Values Value::iterate() const {
  if (is_undefined()) return {};
  if (const auto* s = sequence()) {
    if (s->kind == SequenceKind::kIterator && std::exchange(s->consumed, true)) {
      return {};
    }
    return s->items;
  }
  if (const auto* s = string()) return characters(*s);
  if (const auto* d = dict()) {
    Values keys;
    for (const auto& [key, unused] : d->items) {
      keys.push_back(key);
    }
    return keys;
  }
  throw Fault("'" + type_name() + "' object is not iterable");
}

std::size_t Value::length() const {
  if (is_undefined()) return 0;
  if (const auto* s = string()) return to_utf32(*s).size();
  if (const auto* d = dict()) return d->items.size();
  if (const auto* s = sequence(); s != nullptr && s->kind != SequenceKind::kIterator) return s->items.size();
  throw Fault("object of type '" + type_name() + "' has no len()");
}

const Value* Dict::find(const Value& key) const {
  for (const auto& [known, value] : items) {
    if (equal(known, key)) {
      return &value;
    }
  }
  return nullptr;
}

void Dict::put(const Value& key, Value value) {
  if (key.dict() != nullptr || (key.sequence() != nullptr && key.sequence()->kind != SequenceKind::kTuple)) {
    throw Fault("unhashable type: '" + key.type_name() + "'");
  }
  for (auto& [known, slot] : items) {
    if (equal(known, key)) {
      slot = std::move(value);
      return;
    }
  }
  items.emplace_back(key, std::move(value));
}

bool equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    return a.is_integer() && b.is_integer() ? a.integer() == b.integer() : a.number() == b.number();
  }
  if (a.string() != nullptr && b.string() != nullptr) return *a.string() == *b.string();
  if (a.sequence() != nullptr && b.sequence() != nullptr) {
    const auto &x = *a.sequence(), &y = *b.sequence();
    return &x == &y || (x.kind == y.kind && x.kind != SequenceKind::kIterator && x.items.size() == y.items.size() &&
                        std::equal(x.items.begin(), x.items.end(), y.items.begin(), equal));
  }
  if (a.dict() != nullptr && b.dict() != nullptr) {
    const auto &x = *a.dict(), &y = *b.dict();
    return x.items.size() == y.items.size() && std::all_of(x.items.begin(), x.items.end(), [&](const auto& item) {
      const Value* other = y.find(item.first);
      return other != nullptr && equal(item.second, *other);
    });
  }
  if (a.data().index() != b.data().index()) return false;
  if (a.is_undefined() || a.is_none()) return true;
  return a.name_space() != nullptr && *a.name_space() == *b.name_space();
}

bool less(const Value& a, const Value& b, const char* op) {
  if (a.is_number() && b.is_number()) {
    return a.is_integer() && b.is_integer() ? a.integer() < b.integer() : a.number() < b.number();
  }
  if (a.string() != nullptr && b.string() != nullptr) return *a.string() < *b.string();
  const Sequence *x = a.sequence(), *y = b.sequence();
  if (x != nullptr && y != nullptr && x->kind == y->kind && (x->kind == SequenceKind::kList || x->kind == SequenceKind::kTuple)) {
    for (std::size_t i = 0; i < std::min(x->items.size(), y->items.size()); ++i) {
      if (!equal(x->items[i], y->items[i])) {
        return less(x->items[i], y->items[i], op);
      }
    }
    return x->items.size() < y->items.size();
  }
  if (a.is_undefined() || b.is_undefined()) {
    throw Fault(std::get<Undefined>(a.is_undefined() ? a.data() : b.data()).what);
  }
  throw Fault("'" + std::string(op) + "' not supported between instances of '" + a.type_name() + "' and '" + b.type_name() + "'");
}

bool contains(const Value& container, const Value& item) {
  if (const auto* text = container.string()) {
    if (item.string() == nullptr) {
      throw Fault("'in <string>' requires string as left operand, not " + item.type_name());
    }
    return text->find(*item.string()) != std::string::npos;
  }
  if (const auto* d = container.dict()) return d->find(item) != nullptr;
  if (container.is_undefined()) return false;
  if (container.sequence() == nullptr) {
    throw Fault("argument of type '" + container.type_name() + "' is not iterable");
  }
  const Values items = container.iterate();
  return std::any_of(items.begin(), items.end(), [&](const Value& v) { return equal(v, item); });
}

std::string float_repr(double v) {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v > 0 ? "inf" : "-inf";
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::scientific).ptr;
  const std::string text(buffer, end);  // d.ddde±xx, the shortest that reads back the same
  const std::size_t e = text.find('e');
  const int exponent = std::stoi(text.substr(e + 1));
  const std::string sign = text[0] == '-' ? "-" : "";
  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (c >= '0' && c <= '9') {
      digits += c;
    }
  }
  if (exponent < -4 || exponent >= 16) {
    std::string out = sign + digits.substr(0, 1) + (digits.size() > 1 ? "." + digits.substr(1) : "");
    const std::string power = std::to_string(std::abs(exponent));
    return out + (exponent < 0 ? "e-" : "e+") + (power.size() < 2 ? "0" : "") + power;
  }
  if (exponent < 0) {
    return sign + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  }
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) {
    return sign + digits + std::string(whole - digits.size(), '0') + ".0";
  }
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string string_repr(std::string_view text) {
  const char quote = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  const auto hex = [&](char letter, char32_t c, int digits) {
    out += '\\';
    out += letter;
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
      out += "0123456789abcdef"[(c >> shift) & 15U];
    }
  };
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = read_code_point(text, i);
    if (c.value == static_cast<unsigned char>(quote) || c.value == '\\') {
      out += '\\';
      out += static_cast<char>(c.value);
    } else if (c.value == '\n') {
      out += "\\n";
    } else if (c.value == '\r') {
      out += "\\r";
    } else if (c.value == '\t') {
      out += "\\t";
    } else if (is_printable(c.value)) {
      out += text.substr(i, c.size);
    } else if (c.value < 0x100) {
      hex('x', c.value, 2);
    } else if (c.value < 0x10000) {
      hex('u', c.value, 4);
    } else {
      hex('U', c.value, 8);
    }
    i += c.size;
  }
  return out + quote;
}

bool python_space(char32_t c) { return (c >= 0x1C && c <= 0x1F) || is_white_space(c); }

}  // namespace grm::jinja
