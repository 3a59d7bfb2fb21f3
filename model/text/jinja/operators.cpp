// Arithmetic, repetition and slices as Python has them.
#include <algorithm>
#include <cmath>

#include "model/text/jinja/interpreter.h"
#include "model/text/unicode.h"

namespace grm::jinja {
namespace {

[[noreturn]] void too_large() { throw Fault("an integer grows beyond 64 bits"); }

std::int64_t power(std::int64_t base, std::int64_t exponent) {
  std::int64_t out = 1;
  if (base == 0 || base == 1 || base == -1) {
    return exponent == 0 ? 1 : base == -1 && exponent % 2 == 0 ? 1 : base;
  }
  for (std::int64_t i = 0; i < exponent; ++i) {
    if (__builtin_mul_overflow(out, base, &out)) {
      too_large();
    }
  }
  return out;
}

Value integers(const std::string& op, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  if (op == "+" ? __builtin_add_overflow(a, b, &out) : op == "-" ? __builtin_sub_overflow(a, b, &out)
                                                   : op == "*" ? __builtin_mul_overflow(a, b, &out)
                                                               : false) {
    too_large();
  }
  if (op == "+" || op == "-" || op == "*") return out;
  if (op == "**") return b >= 0 ? Value(power(a, b)) : Value(std::pow(static_cast<double>(a), static_cast<double>(b)));
  if (b == 0) {
    throw Fault(op == "/" ? "division by zero" : "integer division or modulo by zero");
  }
  if (op == "/") return static_cast<double>(a) / static_cast<double>(b);
  if (b == -1) {
    if (op == "%") return 0;
    return integers("*", a, -1);
  }
  const std::int64_t floor = a / b - ((a % b != 0) && ((a < 0) != (b < 0)) ? 1 : 0);
  return op == "//" ? floor : a - floor * b;
}

Value floats(const std::string& op, double a, double b) {
  if (op == "+") return a + b;
  if (op == "-") return a - b;
  if (op == "*") return a * b;
  if (op == "**") return std::pow(a, b);
  if (b == 0.0) {
    throw Fault("float division by zero");
  }
  if (op == "/") return a / b;
  double remainder = std::fmod(a, b);
  if (remainder != 0.0 && (remainder < 0.0) != (b < 0.0)) {
    remainder += b;
  }
  return op == "%" ? remainder : std::round((a - remainder) / b);
}

Value repeat(const Value& what, std::int64_t times) {
  const std::size_t count = times > 0 ? static_cast<std::size_t>(times) : 0;
  if (const auto* s = what.string()) {
    if (!s->empty() && count > kMaxBytes / s->size()) {
      throw Fault("a string grows beyond " + std::to_string(kMaxBytes) + " bytes");
    }
    std::string out;
    out.reserve(s->size() * count);
    for (std::size_t i = 0; i < count && !s->empty(); ++i) {
      out += *s;
    }
    return out;
  }
  const Sequence& list = *what.sequence();
  if (!list.items.empty() && count > kMaxItems / list.items.size()) {
    throw Fault("a list grows beyond " + std::to_string(kMaxItems) + " items");
  }
  Values out;
  for (std::size_t i = 0; i < count && !list.items.empty(); ++i) {
    out.insert(out.end(), list.items.begin(), list.items.end());
  }
  return Value::sequence(std::move(out), list.kind);
}

bool repeatable(const Value& v) {
  const auto* s = v.sequence();
  return v.is_string() || (s != nullptr && (s->kind == SequenceKind::kList || s->kind == SequenceKind::kTuple));
}

}  // namespace

Value binary(const std::string& op, const Value& a, const Value& b) {
  if (a.is_undefined() || b.is_undefined()) {
    throw Fault(std::get<Undefined>((a.is_undefined() ? a : b).data()).what);
  }
  if (a.is_integer() && b.is_integer()) return integers(op, a.integer(), b.integer());
  if (a.is_number() && b.is_number()) return floats(op, a.number(), b.number());
  if (op == "+" && a.string() != nullptr && b.string() != nullptr) return *a.string() + *b.string();
  const Sequence *x = a.sequence(), *y = b.sequence();
  if (op == "+" && x != nullptr && y != nullptr && x->kind == y->kind && repeatable(a)) {
    Values items = x->items;
    items.insert(items.end(), y->items.begin(), y->items.end());
    return Value::sequence(std::move(items), x->kind);
  }
  if (op == "*" && repeatable(a) && b.is_integer()) return repeat(a, b.integer());
  if (op == "*" && repeatable(b) && a.is_integer()) return repeat(b, a.integer());
  if (op == "%" && a.is_string()) {
    const bool tuple = y != nullptr && y->kind == SequenceKind::kTuple;
    return percent_format(*a.string(), tuple ? y->items : Values{b}, b.dict());
  }
  if (op == "+" && a.is_string()) {
    throw Fault("can only concatenate str (not \"" + b.type_name() + "\") to str");
  }
  throw Fault("unsupported operand type(s) for " + op + ": '" + a.type_name() + "' and '" + b.type_name() + "'");
}

Value negate(const Value& a) { return a.is<double>() ? Value(-a.number()) : binary("-", Value(0), a); }

Value slice(const Value& object, const Value& start, const Value& stop, const Value& step) {
  if (object.is_undefined()) {
    throw Fault(std::get<Undefined>(object.data()).what);
  }
  const bool text = object.is_string();
  if (!text && !repeatable(object)) {
    return Value::undefined("'" + object.type_name() + " object' cannot be sliced");
  }
  const auto bound = [](const Value& v, std::int64_t otherwise) {
    if (v.is_none()) return otherwise;
    if (!v.is_integer()) throw Fault("slice indices must be integers or None");
    return v.integer();
  };
  const std::int64_t by = bound(step, 1);
  if (by == 0) {
    throw Fault("slice step cannot be zero");
  }
  const std::u32string characters = text ? to_utf32(*object.string()) : std::u32string();
  const auto size = static_cast<std::int64_t>(text ? characters.size() : object.sequence()->items.size());
  const auto clamp = [&](std::int64_t at) {
    at = at < 0 ? std::max<std::int64_t>(at + size, by < 0 ? -1 : 0) : at;
    return std::min(at, by < 0 ? size - 1 : size);
  };
  const std::int64_t from = start.is_none() ? (by < 0 ? size - 1 : 0) : clamp(bound(start, 0));
  const std::int64_t to = stop.is_none() ? (by < 0 ? -1 : size) : clamp(bound(stop, 0));
  std::u32string out_text;
  Values out;
  for (std::int64_t i = from; by > 0 ? i < to : i > to;) {
    if (text) {
      out_text.push_back(characters[static_cast<std::size_t>(i)]);
    } else {
      out.push_back(object.sequence()->items[static_cast<std::size_t>(i)]);
    }
    if (__builtin_add_overflow(i, by, &i)) {
      break;
    }
  }
  return text ? Value(to_utf8(out_text)) : Value::sequence(std::move(out), object.sequence()->kind);
}

}  // namespace grm::jinja
