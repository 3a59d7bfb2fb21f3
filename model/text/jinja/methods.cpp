// Methods of strings, lists and dicts that a template may call. What would change an object is not among them.
#include <algorithm>
#include <functional>
#include <unordered_map>

#include "model/text/jinja/interpreter.h"
#include "model/text/unicode.h"

namespace grm::jinja {
namespace {

using StringMethod = Value (*)(Interpreter&, const std::string&, const CallArguments&);

const std::string& need_string(const Value& value, const char* what) {
  if (value.string() == nullptr) {
    throw Fault(std::string(what) + ": expected str, not " + value.type_name());
  }
  return *value.string();
}

std::int64_t integer_or(const Value* value, std::int64_t otherwise) {
  if (value == nullptr || value->is_none()) return otherwise;
  if (!value->is_integer()) throw Fault("'" + value->type_name() + "' object cannot be interpreted as an integer");
  return value->integer();
}

Value strip_method(const char* name, const std::string& s, const CallArguments& a, bool left, bool right) {
  const Value* set = a.bind(name, {"chars"})[0];
  return strip(s, set != nullptr && !set->is_none() ? &need_string(*set, name) : nullptr, left, right);
}

Value affix(const char* name, const std::string& s, const CallArguments& a, bool (*has)(const std::string&, const std::string&)) {
  const Value& what = *a.bind(name, {"prefix"}, 1)[0];
  if (const auto* list = what.sequence(); list != nullptr && list->kind == SequenceKind::kTuple) {
    return std::any_of(list->items.begin(), list->items.end(), [&](const Value& v) { return has(s, need_string(v, name)); });
  }
  return has(s, need_string(what, name));
}

Value position(const char* name, const std::string& s, const CallArguments& a, bool from_right, bool must) {
  const std::string& what = need_string(*a.bind(name, {"sub"}, 1)[0], name);
  const std::size_t at = from_right ? s.rfind(what) : s.find(what);
  if (at == std::string::npos) {
    if (must) throw Fault("substring not found");
    return -1;
  }
  return to_utf32(std::string_view(s).substr(0, at)).size();
}

template <class Predicate>
Value all_characters(const char* name, const std::string& s, const CallArguments& a, Predicate holds) {
  a.bind(name, {});
  const std::u32string characters = to_utf32(s);
  return !characters.empty() && std::all_of(characters.begin(), characters.end(), holds);
}

Value cased(const char* name, const std::string& s, const CallArguments& a, bool (*wanted)(char32_t), bool (*other)(char32_t)) {
  a.bind(name, {});
  const std::u32string characters = to_utf32(s);
  return std::any_of(characters.begin(), characters.end(), wanted) && std::none_of(characters.begin(), characters.end(), other);
}

/// ljust, rjust and center: how much of the padding goes to the left is told by `left(padding, width)`.
Value justify(const char* name, const std::string& s, const CallArguments& a, std::size_t (*left)(std::size_t, std::size_t)) {
  const auto bound = a.bind(name, {"width", "fillchar"}, 1);
  const std::string fill = bound[1] != nullptr ? need_string(*bound[1], name) : " ";
  const auto width = static_cast<std::size_t>(std::clamp<std::int64_t>(integer_or(bound[0], 0), 0, 1 << 20));
  const std::size_t size = to_utf32(s).size();
  const std::size_t padding = width > size ? width - size : 0;
  const std::size_t before = left(padding, width);
  std::string out;
  for (std::size_t i = 0; i < before; ++i) out += fill;
  out += s;
  for (std::size_t i = before; i < padding; ++i) out += fill;
  return out;
}

Value join_method(Interpreter& run, const std::string& s, const CallArguments& a) {
  std::string out;
  bool first = true;
  for (const Value& item : a.bind("join", {"iterable"}, 1)[0]->iterate()) {
    out += first ? "" : s;
    out += need_string(item, "join");
    first = false;
    run.charge(1 + out.size() / 4096);
    if (out.size() > kMaxBytes) throw Fault("a string grows beyond " + std::to_string(kMaxBytes) + " bytes");
  }
  return out;
}

Value partition(const char* name, const std::string& s, const CallArguments& a, bool from_right) {
  const std::string& by = need_string(*a.bind(name, {"sep"}, 1)[0], name);
  if (by.empty()) throw Fault("empty separator");
  const std::size_t at = from_right ? s.rfind(by) : s.find(by);
  Values parts = at == std::string::npos ? (from_right ? Values{"", "", s} : Values{s, "", ""})
                                         : Values{s.substr(0, at), by, s.substr(at + by.size())};
  return Value::sequence(std::move(parts), SequenceKind::kTuple);
}

Value zero_fill(const std::string& s, const CallArguments& a) {
  const auto width =
      static_cast<std::size_t>(std::clamp<std::int64_t>(integer_or(a.bind("zfill", {"width"}, 1)[0], 0), 0, 1 << 20));
  const std::size_t size = to_utf32(s).size();
  const std::size_t sign = !s.empty() && (s[0] == '-' || s[0] == '+') ? 1 : 0;
  return s.substr(0, sign) + std::string(width > size ? width - size : 0, '0') + s.substr(sign);
}

#define GRM_METHOD [](Interpreter & run, const std::string& s, const CallArguments& a) -> Value

const std::unordered_map<std::string, StringMethod>& string_methods() {
  static const std::unordered_map<std::string, StringMethod> methods = {
      {"strip", GRM_METHOD { run.charge(s.size() / 64); return strip_method("strip", s, a, true, true); }},
      {"lstrip", GRM_METHOD { run.charge(s.size() / 64); return strip_method("lstrip", s, a, true, false); }},
      {"rstrip", GRM_METHOD { run.charge(s.size() / 64); return strip_method("rstrip", s, a, false, true); }}
, {"startswith", GRM_METHOD{run.charge(1);
return affix("startswith", s, a, [](auto& t, auto& p) { return t.starts_with(p); });
}
}
, {"endswith", GRM_METHOD{run.charge(1);
return affix("endswith", s, a, [](auto& t, auto& p) { return t.ends_with(p); });
}
}
, {"removeprefix", GRM_METHOD{run.charge(1);
const std::string& what = need_string(*a.bind("removeprefix", {"prefix"}, 1)[0], "removeprefix");
return s.starts_with(what) ? s.substr(what.size()) : s;
}},
      {"removesuffix", GRM_METHOD {
         run.charge(1);
         const std::string& what = need_string(*a.bind("removesuffix", {"suffix"}, 1)[0], "removesuffix");
         return s.ends_with(what) ? s.substr(0, s.size() - what.size()) : s;
       }},
      {"split", GRM_METHOD {
         run.charge(s.size() / 16);
         const auto b = a.bind("split", {"sep", "maxsplit"});
         return Value::sequence(split(s, b[0], integer_or(b[1], -1), false));
       }},
      {"rsplit", GRM_METHOD {
         run.charge(s.size() / 16);
         const auto b = a.bind("rsplit", {"sep", "maxsplit"});
         return Value::sequence(split(s, b[0], integer_or(b[1], -1), true));
       }},
      {"splitlines", GRM_METHOD {
         run.charge(s.size() / 16);
         const auto b = a.bind("splitlines", {"keepends"});
         return Value::sequence(split_lines(s, b[0] != nullptr && b[0]->truthy()));
       }},
      {"replace", GRM_METHOD {
         const auto b = a.bind("replace", {"old", "new", "count"}, 2);
         Value out(replace(s, need_string(*b[0], "replace"), need_string(*b[1], "replace"), integer_or(b[2], -1)));
         run.charge((s.size() + out.string()->size()) / 64);
         return out;
       }},
      {"upper", GRM_METHOD { run.charge(s.size() / 16); a.bind("upper", {}); return to_upper(s); }},
      {"lower", GRM_METHOD { run.charge(s.size() / 16); a.bind("lower", {}); return to_lower(s); }},
      {"title", GRM_METHOD { run.charge(s.size()); a.bind("title", {}); return title_case(s); }},
      {"capitalize", GRM_METHOD { run.charge(s.size() / 16); a.bind("capitalize", {}); return capitalize(s); }},
      {"find", GRM_METHOD { run.charge(s.size() / 16); return position("find", s, a, false, false); }},
      {"rfind", GRM_METHOD { run.charge(s.size() / 16); return position("rfind", s, a, true, false); }},
      {"index", GRM_METHOD { run.charge(s.size() / 16); return position("index", s, a, false, true); }},
      {"count", GRM_METHOD {
         run.charge(s.size() / 16);
         const std::string& what = need_string(*a.bind("count", {"sub"}, 1)[0], "count");
         if (what.empty()) return to_utf32(s).size() + 1;
         std::size_t found = 0;
         for (std::size_t at = s.find(what); at != std::string::npos; at = s.find(what, at + what.size())) ++found;
         return found;
       }},
      {"join", join_method},
      {"format", GRM_METHOD { run.charge(1); return brace_format(run, s, a); }},
      {"partition", GRM_METHOD { run.charge(1); return partition("partition", s, a, false); }},
      {"rpartition", GRM_METHOD { run.charge(1); return partition("rpartition", s, a, true); }},
      {"zfill", GRM_METHOD { run.charge(1); return zero_fill(s, a); }}
       , {"ljust", GRM_METHOD{run.charge(1);
       return justify("ljust", s, a, [](std::size_t, std::size_t) { return std::size_t{0}; });
       }
       }
       , {"rjust", GRM_METHOD{run.charge(1);
       return justify("rjust", s, a, [](std::size_t p, std::size_t) { return p; });
       }
       }
       , {"center", GRM_METHOD{run.charge(1);
       return justify("center", s, a, [](std::size_t p, std::size_t w) { return p / 2 + (p & w & 1U); });
       }},
      {"isdigit", GRM_METHOD { run.charge(s.size() / 16); return all_characters("isdigit", s, a, is_decimal); }},
      {"isdecimal", GRM_METHOD { run.charge(s.size() / 16); return all_characters("isdecimal", s, a, is_decimal); }},
      {"isnumeric", GRM_METHOD { run.charge(s.size() / 16); return all_characters("isnumeric", s, a, is_numeric); }},
      {"isalpha", GRM_METHOD { run.charge(s.size() / 16); return all_characters("isalpha", s, a, is_alphabetic); }},
      {"isalnum", GRM_METHOD {
         run.charge(s.size() / 16);
         return all_characters("isalnum", s, a, [](char32_t c) { return is_alphabetic(c) || is_numeric(c); });
       }},
      {"isspace", GRM_METHOD { run.charge(s.size() / 16); return all_characters("isspace", s, a, python_space); }},
      {"isupper", GRM_METHOD { run.charge(s.size() / 16); return cased("isupper", s, a, is_upper_or_title, is_lower); }},
      {"islower", GRM_METHOD { run.charge(s.size() / 16); return cased("islower", s, a, is_lower, is_upper_or_title); }},
  };
  return methods;
}

#undef GRM_METHOD

std::optional<Value> dict_method(const Value& object, const std::string& name) {
  const auto entries = [&](SequenceKind kind) {
    return Value::callable(name, [object, kind, name](Interpreter& run, CallArguments& a) {
      a.bind(name, {});
      Values out;
      for (const auto& [key, value] : object.dict()->items) {
        out.push_back(kind == SequenceKind::kKeys     ? key
                      : kind == SequenceKind::kValues ? value
                                                      : Value::sequence({key, value}, SequenceKind::kTuple));
      }
      run.charge(out.size());
      return Value::sequence(std::move(out), kind);
    });
  };
  if (name == "items") return entries(SequenceKind::kItems);
  if (name == "keys") return entries(SequenceKind::kKeys);
  if (name == "values") return entries(SequenceKind::kValues);
  if (name == "get") {
    return Value::callable("get", [object](Interpreter&, CallArguments& a) {
      const auto b = a.bind("get", {"key", "default"}, 1);
      const Value* found = object.dict()->find(*b[0]);
      return found != nullptr ? *found : b[1] != nullptr ? *b[1] : Value(None{});
    });
  }
  if (name == "copy") {
    return Value::callable("copy", [object](Interpreter&, CallArguments& a) {
      a.bind("copy", {});
      return object;
    });
  }
  return std::nullopt;
}

std::optional<Value> list_method(const Value& object, const std::string& name) {
  const auto kind = object.sequence()->kind;
  if ((name != "index" && name != "count") || (kind != SequenceKind::kList && kind != SequenceKind::kTuple)) {
    return std::nullopt;
  }
  return Value::callable(name, [object, name](Interpreter& run, CallArguments& a) -> Value {
    const Value& what = *a.bind(name, {"value"}, 1)[0];
    const Values& items = object.sequence()->items;
    run.charge(items.size());
    if (name == "count") {
      return static_cast<std::int64_t>(std::count_if(items.begin(), items.end(), [&](const Value& v) { return equal(v, what); }));
    }
    const auto found = std::find_if(items.begin(), items.end(), [&](const Value& v) { return equal(v, what); });
    if (found == items.end()) throw Fault("value is not in the list");
    return static_cast<std::int64_t>(found - items.begin());
  });
}

}  // namespace

std::optional<Value> method(const Value& object, const std::string& name) {
  if (object.dict() != nullptr) return dict_method(object, name);
  if (object.sequence() != nullptr) return list_method(object, name);
  if (!object.is_string()) return std::nullopt;
  const auto found = string_methods().find(name);
  if (found == string_methods().end()) return std::nullopt;
  return Value::callable(name, [object, call = found->second](Interpreter& run, CallArguments& a) {
    return call(run, *object.string(), a);
  });
}

}  // namespace grm::jinja
