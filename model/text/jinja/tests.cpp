// What may stand behind `is`.
#include <unordered_map>

#include "model/text/jinja/interpreter.h"
#include "model/text/unicode.h"

namespace grm::jinja {
namespace {

using Test = bool (*)(Interpreter&, const Value&, const CallArguments&);

bool is_sequence(const Value& v) {
  const auto* s = v.sequence();
  return v.is_string() || v.dict() != nullptr || v.is_undefined() ||
         (s != nullptr && (s->kind == SequenceKind::kList || s->kind == SequenceKind::kTuple));
}

bool is_callable(const Value& v) {
  const auto* o = std::get_if<std::shared_ptr<const Object>>(&v.data());
  return v.is<std::shared_ptr<const Callable>>() || v.is_undefined() || (o != nullptr && (*o)->call != nullptr);
}

bool remainder_is(const Value& v, std::int64_t by, std::int64_t wanted) {
  const Value rest = binary("%", v, Value(by));
  return equal(rest, Value(wanted));
}

#define GRM_TEST [](Interpreter&, const Value& v, const CallArguments& a) -> bool
#define GRM_PLAIN(name, condition) {name, GRM_TEST { a.bind(name, {}); return condition; }}
#define GRM_BINARY(name, condition) {name, GRM_TEST { const Value& other = *a.bind(name, {"other"}, 1)[0]; return condition; }}

const std::unordered_map<std::string, Test>& tests() {
  static const std::unordered_map<std::string, Test> all = {
      GRM_PLAIN("defined", !v.is_undefined()),
      GRM_PLAIN("undefined", v.is_undefined()),
      GRM_PLAIN("none", v.is_none()),
      GRM_PLAIN("string", v.is_string()),
      GRM_PLAIN("mapping", v.dict() != nullptr),
      GRM_PLAIN("iterable", v.is_string() || v.dict() != nullptr || v.sequence() != nullptr || v.is_undefined()),
      GRM_PLAIN("sequence", is_sequence(v)),
      GRM_PLAIN("number", v.is_number()),
      GRM_PLAIN("integer", v.is<std::int64_t>()),
      GRM_PLAIN("float", v.is<double>()),
      GRM_PLAIN("boolean", v.is<bool>()),
      GRM_PLAIN("true", v.is<bool>() && v.truthy()),
      GRM_PLAIN("false", v.is<bool>() && !v.truthy()),
      GRM_PLAIN("callable", is_callable(v)),
      GRM_PLAIN("odd", remainder_is(v, 2, 1)),
      GRM_PLAIN("even", remainder_is(v, 2, 0)),
      GRM_PLAIN("lower", v.text() == to_lower(v.text()) && v.text() != to_upper(v.text())),
      GRM_PLAIN("upper", v.text() == to_upper(v.text()) && v.text() != to_lower(v.text())),
      GRM_PLAIN("escaped", v.is_undefined() && false),
      GRM_BINARY("divisibleby", equal(binary("%", v, other), Value(0))),
      GRM_BINARY("equalto", equal(v, other)),
      GRM_BINARY("eq", equal(v, other)),
      GRM_BINARY("==", equal(v, other)),
      GRM_BINARY("ne", !equal(v, other)),
      GRM_BINARY("!=", !equal(v, other)),
      GRM_BINARY("lt", less(v, other)),
      GRM_BINARY("lessthan", less(v, other)),
      GRM_BINARY("<", less(v, other)),
      GRM_BINARY("gt", less(other, v, ">")),
      GRM_BINARY("greaterthan", less(other, v, ">")),
      GRM_BINARY(">", less(other, v, ">")),
      GRM_BINARY("ge", less(other, v, ">=") || equal(v, other)),
      GRM_BINARY(">=", less(other, v, ">=") || equal(v, other)),
      GRM_BINARY("le", less(v, other, "<=") || equal(v, other)),
      GRM_BINARY("<=", less(v, other, "<=") || equal(v, other)),
      GRM_BINARY("in", contains(other, v)),
      GRM_BINARY("sameas", v.data().index() == other.data().index() && equal(v, other)),
  };
  return all;
}

#undef GRM_TEST
#undef GRM_PLAIN
#undef GRM_BINARY

}  // namespace

bool Interpreter::test(const std::string& name, const Value& subject, CallArguments& arguments) {
  charge(1);
  const auto found = tests().find(name);
  if (found == tests().end()) {
    throw Fault("no test named '" + name + "'");
  }
  return found->second(*this, subject, arguments);
}

}  // namespace grm::jinja
