// What may stand behind `|`, but for those over lists (list_filters.cpp).
#include "model/text/jinja/filters.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "model/text/unicode.h"

namespace grm::jinja {
namespace {

Value default_filter(Interpreter&, const Value& v, const CallArguments& a) {
  const auto b = a.bind("default", {"default_value", "boolean"});
  const bool falsy_too = b[1] != nullptr && b[1]->truthy();
  if (v.is_undefined() || (falsy_too && !v.truthy())) {
    return b[0] != nullptr ? *b[0] : Value("");
  }
  return v;
}

Value tojson_filter(Interpreter& run, const Value& v, const CallArguments& a) {
  const auto b = a.bind("tojson", {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonFormat format;
  format.ensure_ascii = b[0] != nullptr && b[0]->truthy();
  format.sort_keys = b[3] != nullptr && b[3]->truthy();
  if (b[1] != nullptr && !b[1]->is_none()) {
    format.multiline = true;
    format.item_separator = ",";
    if (b[1]->is_string()) {
      format.indent = *b[1]->string();
    } else if (b[1]->is_integer()) {
      format.indent = std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(b[1]->integer(), 0, 1000)), ' ');
    } else {
      throw Fault("tojson: indent must be an integer or a string");
    }
  }
  if (b[2] != nullptr && !b[2]->is_none()) {
    const Values both = b[2]->iterate();
    if (both.size() != 2 || !both[0].is_string() || !both[1].is_string()) throw Fault("tojson: separators must be two strings");
    format.item_separator = *both[0].string();
    format.key_separator = *both[1].string();
  }
  Value out(to_json(v, format));
  run.charge(out.string()->size() / 16);
  return out;
}

std::optional<std::int64_t> parse_integer(std::string text, int base) {
  text = strip(text, nullptr, true, true);
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool separator = text[i] == '_' && i > 0 && i + 1 < text.size() && text[i - 1] != '_' &&
                           digits.find_first_of("0123456789") != std::string::npos;
    if (!separator) digits += text[i];
  }
  bool negative = false;
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) {
    negative = digits[0] == '-';
    digits.erase(0, 1);
  }
  const auto has_prefix = [&](char letter) { return digits.size() > 2 && digits[0] == '0' && (digits[1] | 0x20) == letter; };
  if ((base == 16 && has_prefix('x')) || (base == 8 && has_prefix('o')) || (base == 2 && has_prefix('b'))) digits.erase(0, 2);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error == std::errc::result_out_of_range) throw Fault("an integer grows beyond 64 bits");
  if (error != std::errc() || end != digits.data() + digits.size() || digits.starts_with('-')) return std::nullopt;
  return negative ? -value : value;
}

std::optional<double> parse_float(std::string text) {
  text = strip(text, nullptr, true, true);
  if (text.empty() || text.find_first_of("xXpP_") != std::string::npos) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return end == text.c_str() + text.size() ? std::optional(value) : std::nullopt;
}

Value int_filter(Interpreter&, const Value& v, const CallArguments& a) {
  const auto b = a.bind("int", {"default", "base"});
  const Value otherwise = b[0] != nullptr ? *b[0] : Value(0);
  const auto truncate = [&](double d) -> Value {
    if (std::isnan(d)) return otherwise;
    if (std::abs(d) >= 9.2e18) throw Fault("an integer grows beyond 64 bits");
    return static_cast<std::int64_t>(d);
  };
  if (v.is_undefined()) throw Fault(std::get<Undefined>(v.data()).what);
  if (v.is_integer()) return v.integer();
  if (v.is<double>()) return truncate(v.number());
  if (!v.is_string()) return otherwise;
  const int base =
      b[1] != nullptr && b[1]->is_integer() ? static_cast<int>(std::clamp<std::int64_t>(b[1]->integer(), 2, 36)) : 10;
  if (const auto value = parse_integer(*v.string(), base)) return *value;
  if (const auto value = parse_float(*v.string())) return truncate(*value);
  return otherwise;
}

Value float_filter(Interpreter&, const Value& v, const CallArguments& a) {
  const auto b = a.bind("float", {"default"});
  if (v.is_undefined()) throw Fault(std::get<Undefined>(v.data()).what);
  if (v.is_number()) return v.number();
  if (v.is_string()) {
    if (const auto value = parse_float(*v.string())) return *value;
  }
  return b[0] != nullptr ? *b[0] : Value(0.0);
}

Value round_filter(Interpreter&, const Value& v, const CallArguments& a) {
  const auto b = a.bind("round", {"precision", "method"});
  const std::int64_t precision = b[0] != nullptr && b[0]->is_integer() ? std::clamp<std::int64_t>(b[0]->integer(), -300, 300) : 0;
  const std::string method = b[1] != nullptr ? b[1]->text() : "common";
  if (!v.is_number()) throw Fault("round: a number is required, not " + v.type_name());
  if (method == "ceil" || method == "floor") {
    const double scale = std::pow(10.0, static_cast<double>(precision));
    const double scaled = v.number() * scale;
    return (method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale;
  }
  if (method != "common") throw Fault("method must be common, ceil or floor");
  if (v.is_integer() && precision >= 0) return v.integer();
  if (precision < 0) {
    const double scale = std::pow(10.0, static_cast<double>(-precision));
    const double rounded = std::nearbyint(v.number() / scale) * scale;
    return v.is_integer() ? Value(static_cast<std::int64_t>(rounded)) : Value(rounded);
  }
  if (!std::isfinite(v.number())) return v.number();
  std::string text(static_cast<std::size_t>(precision) + 400, '\0');
  // Rounds the exact value, as Python does.
  std::snprintf(text.data(), text.size(), "%.*f", static_cast<int>(precision), v.number());
  return std::strtod(text.c_str(), nullptr);
}

Value indent_filter(Interpreter& run, const Value& v, const CallArguments& a) {
  const auto b = a.bind("indent", {"width", "first", "blank"});
  const std::string by = b[0] != nullptr && b[0]->is_string()
                             ? *b[0]->string()
                             : std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(
                                               b[0] != nullptr && b[0]->is_integer() ? b[0]->integer() : 4, 0, 1000)),
                                           ' ');
  const bool first = b[1] != nullptr && b[1]->truthy();
  const bool blank = b[2] != nullptr && b[2]->truthy();
  std::string out = first ? by : "";
  const Values lines = split_lines(v.text() + "\n", false);
  run.charge(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = *lines[i].string();
    if (i > 0) {
      out += "\n";
      out += !line.empty() || blank ? by : "";
    }
    out += line;
    if (out.size() > kMaxBytes) throw Fault("a string grows beyond " + std::to_string(kMaxBytes) + " bytes");
  }
  return out;
}

Value replace_filter(Interpreter& run, const Value& v, const CallArguments& a) {
  const auto b = a.bind("replace", {"old", "new", "count"}, 2);
  const std::int64_t limit = b[2] != nullptr && b[2]->is_integer() ? b[2]->integer() : -1;
  Value out(replace(v.text(), b[0]->text(), b[1]->text(), limit));
  run.charge(out.string()->size() / 64);
  return out;
}

Value format_filter(Interpreter&, const Value& v, const CallArguments& a) {
  if (!a.positional.empty() && !a.keywords.empty()) throw Fault("can't handle positional and keyword arguments at the same time");
  Dict named;
  for (const auto& [key, value] : a.keywords) named.put(Value(key), value);
  return percent_format(v.text(), a.positional, a.keywords.empty() ? nullptr : &named);
}

Value trim_filter(Interpreter& run, const Value& v, const CallArguments& a) {
  const Value* set = a.bind("trim", {"chars"})[0];
  const std::string text = v.text();
  run.charge(text.size() / 64);
  const std::string characters = set != nullptr && !set->is_none() ? set->text() : "";
  return strip(text, set != nullptr && !set->is_none() ? &characters : nullptr, true, true);
}

Value center_filter(Interpreter& run, const Value& v, const CallArguments& a) {
  const Value* width = a.bind("center", {"width"})[0];
  CallArguments arguments{{width != nullptr ? *width : Value(80)}, {}};
  return run.call(*method(Value(v.text()), "center"), arguments);
}

Value wordcount_filter(Interpreter&, const Value& v, const CallArguments& a) {
  a.bind("wordcount", {});
  std::size_t words = 0;
  bool inside = false;
  for (const char32_t c : to_utf32(v.text())) {
    words += is_word_character(c) && !inside ? 1 : 0;
    inside = is_word_character(c);
  }
  return words;
}

#define GRM_TEXT(name, expression) \
  {name, [](Interpreter& run, const Value& v, const CallArguments& a) -> Value { \
     a.bind(name, {}); \
     const std::string text = v.text(); \
     run.charge(text.size() / 16); \
     return expression; \
   }}

}  // namespace

const std::unordered_map<std::string, Filter>& text_filters() {
  static const std::unordered_map<std::string, Filter> all = {
      GRM_TEXT("upper", to_upper(text)),
      GRM_TEXT("lower", to_lower(text)),
      GRM_TEXT("capitalize", capitalize(text)),
      GRM_TEXT("title", title_words(text)),
      GRM_TEXT("string", text),
      GRM_TEXT("e", escape_html(text)),
      GRM_TEXT("escape", escape_html(text)),
      GRM_TEXT("forceescape", escape_html(text)),
      GRM_TEXT("safe", text),
      {"trim", trim_filter},
      {"default", default_filter},
      {"d", default_filter},
      {"tojson", tojson_filter},
      {"int", int_filter},
      {"float", float_filter},
      {"round", round_filter},
      {"indent", indent_filter},
      {"replace", replace_filter},
      {"format", format_filter},
      {"center", center_filter},
      {"wordcount", wordcount_filter},
      {"abs", [](Interpreter&, const Value& v, const CallArguments& a) -> Value {
         a.bind("abs", {});
         if (!v.is_number()) throw Fault("bad operand type for abs(): '" + v.type_name() + "'");
         return v.is<double>() ? Value(std::abs(v.number())) : v.integer() < 0 ? negate(v) : Value(v.integer());
       }},
      {"attr", [](Interpreter& run, const Value& v, const CallArguments& a) -> Value {
         const std::string name = a.bind("attr", {"name"}, 1)[0]->text();
         if (v.dict() != nullptr) {  // attributes only, never items
           return method(v, name).value_or(Value::undefined("'dict object' has no attribute '" + name + "'"));
         }
         return run.attribute(v, name);
       }},
  };
  return all;
}

#undef GRM_TEXT

Value Interpreter::filter(const std::string& name, const Value& subject, CallArguments& arguments) {
  for (const auto* table : {&text_filters(), &list_filters()}) {
    if (const auto found = table->find(name); found != table->end()) {
      return found->second(*this, subject, arguments);
    }
  }
  throw Fault("no filter named '" + name + "'");
}

}  // namespace grm::jinja
