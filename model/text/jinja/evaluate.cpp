// The interpreter's expressions.
#include <algorithm>
#include <utility>

#include "model/text/jinja/interpreter.h"

namespace grm::jinja {

namespace {

[[noreturn]] void fail_undefined(const Value& value) { throw Fault(std::get<Undefined>(value.data()).what); }

}  // namespace

Value Interpreter::evaluate(const Expr& node, Scope& scope) {
  const Nested nested(*this);
  charge(1);
  line_ = node.line;
  switch (node.kind) {
    case ExprKind::kConstant: return node.value;
    case ExprKind::kName: return evaluate_name(node, scope);
    case ExprKind::kList: return Value::sequence(evaluate_all(node.children, scope));
    case ExprKind::kTuple: return Value::sequence(evaluate_all(node.children, scope), SequenceKind::kTuple);
    case ExprKind::kDict: return evaluate_dict(node, scope);
    case ExprKind::kAttribute: return attribute(evaluate(*node.children[0], scope), node.name);
    case ExprKind::kItem: return evaluate_item(node, scope);
    case ExprKind::kSlice: throw Fault("a slice stands outside square brackets");
    case ExprKind::kCall: {
      const Value function = evaluate(*node.children[0], scope);
      CallArguments arguments = evaluate_arguments(node.arguments, scope);
      return call(function, arguments);
    }
    case ExprKind::kFilter: return evaluate_filter(node, nullptr, scope);
    case ExprKind::kTest: {
      const Value subject = evaluate(*node.children[0], scope);
      CallArguments arguments = evaluate_arguments(node.arguments, scope);
      return test(node.name, subject, arguments);
    }
    case ExprKind::kNot: return !evaluate(*node.children[0], scope).truthy();
    case ExprKind::kNegate: return negate(evaluate(*node.children[0], scope));
    case ExprKind::kPositive: return binary("+", Value(0), evaluate(*node.children[0], scope));
    case ExprKind::kBinary: {
      const Value left = evaluate(*node.children[0], scope);
      const Value result = binary(node.name, left, evaluate(*node.children[1], scope));
      charge((result.is_string()             ? result.string()->size()
              : result.sequence() != nullptr ? result.sequence()->items.size() * 16
                                             : 0) /
             64);
      return result;
    }
    case ExprKind::kConcat: {
      std::string text;
      for (const ExprPtr& child : node.children) {
        text += evaluate(*child, scope).text();
      }
      charge(text.size() / 64);
      return text;
    }
    case ExprKind::kCompare: return evaluate_compare(node, scope);
    case ExprKind::kAnd:
    case ExprKind::kOr: {
      Value value;
      for (const ExprPtr& child : node.children) {
        value = evaluate(*child, scope);
        if (value.truthy() == (node.kind == ExprKind::kOr)) {
          break;
        }
      }
      return value;
    }
    case ExprKind::kConditional:
      if (evaluate(*node.children[0], scope).truthy()) return evaluate(*node.children[1], scope);
      if (node.children[2]) return evaluate(*node.children[2], scope);
      return Value::undefined("the inline if-expression evaluated to false and no else section was defined");
  }
  return {};
}

Value Interpreter::evaluate_name(const Expr& node, Scope& scope) {
  for (const Scope* s = &scope; s != nullptr; s = s->parent) {
    const auto found = s->variables.find(node.name);
    if (found != s->variables.end()) {
      return found->second;
    }
  }
  const auto global = global_functions().find(node.name);
  return global != global_functions().end() ? global->second : Value::undefined("'" + node.name + "' is undefined");
}

Values Interpreter::evaluate_all(const std::vector<ExprPtr>& nodes, Scope& scope) {
  Values out;
  for (const ExprPtr& node : nodes) {
    out.push_back(evaluate(*node, scope));
  }
  return out;
}

Value Interpreter::evaluate_dict(const Expr& node, Scope& scope) {
  Dict dict;
  for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
    const Value key = evaluate(*node.children[i], scope);
    dict.put(key, evaluate(*node.children[i + 1], scope));
  }
  return Value::dict(std::move(dict));
}

Value Interpreter::evaluate_item(const Expr& node, Scope& scope) {
  const Value object = evaluate(*node.children[0], scope);
  const Expr& key = *node.children[1];
  if (key.kind != ExprKind::kSlice) {
    return item(object, evaluate(key, scope));
  }
  const auto bound = [&](std::size_t i) { return key.children[i] ? evaluate(*key.children[i], scope) : Value(None{}); };
  const Value start = bound(0);
  const Value stop = bound(1);
  Value result = slice(object, start, stop, bound(2));
  charge(result.sequence() != nullptr ? result.sequence()->items.size() / 4 : 1);
  return result;
}

Value Interpreter::evaluate_compare(const Expr& node, Scope& scope) {
  Value left = evaluate(*node.children[0], scope);
  for (std::size_t i = 0; i < node.operators.size(); ++i) {
    const std::string& op = node.operators[i];
    Value right = evaluate(*node.children[i + 1], scope);
    if (const auto* s = right.sequence()) {
      charge(s->items.size() / 4);
    }
    bool holds = false;
    if (op == "==") {
      holds = equal(left, right);
    } else if (op == "!=") {
      holds = !equal(left, right);
    } else if (op == "in") {
      holds = contains(right, left);
    } else if (op == "not in") {
      holds = !contains(right, left);
    } else if (op == "<") {
      holds = less(left, right, "<");
    } else if (op == ">") {
      holds = less(right, left, ">");
    } else {  // NaN aside, which compares as false either way
      holds = op == "<=" ? less(left, right, "<=") || equal(left, right) : less(right, left, ">=") || equal(left, right);
    }
    if (!holds) {
      return false;
    }
    left = std::move(right);
  }
  return true;
}

Value Interpreter::evaluate_filter(const Expr& node, const Value* block, Scope& scope) {
  const Value subject = node.children[0] ? node.children[0]->kind == ExprKind::kFilter
                                               ? evaluate_filter(*node.children[0], block, scope)
                                               : evaluate(*node.children[0], scope)
                        : block != nullptr ? *block
                                           : Value();
  CallArguments arguments = evaluate_arguments(node.arguments, scope);
  line_ = node.line;
  charge(1);
  return filter(node.name, subject, arguments);
}

CallArguments Interpreter::evaluate_arguments(const std::vector<Argument>& arguments, Scope& scope) {
  CallArguments out;
  for (const Argument& argument : arguments) {
    Value value = evaluate(*argument.value, scope);
    switch (argument.kind) {
      case Argument::Kind::kPositional: out.positional.push_back(std::move(value)); break;
      case Argument::Kind::kKeyword: out.keywords.emplace_back(argument.name, std::move(value)); break;
      case Argument::Kind::kList:
        for (Value& item : value.iterate()) {
          out.positional.push_back(std::move(item));
        }
        charge(out.positional.size());
        break;
      case Argument::Kind::kDict:
        if (value.dict() == nullptr) {
          throw Fault("argument after ** must be a mapping, not " + value.type_name());
        }
        for (const auto& [key, item] : value.dict()->items) {
          if (!key.is_string()) {
            throw Fault("keywords must be strings");
          }
          out.keywords.emplace_back(*key.string(), item);
        }
        break;
    }
  }
  return out;
}

Value Interpreter::attribute(const Value& object, const std::string& name) {
  if (object.is_undefined()) {
    fail_undefined(object);
  }
  if (const auto* n = object.name_space()) {
    const auto found = (*n)->attributes.find(name);
    return found != (*n)->attributes.end() ? found->second : Value::undefined("namespace has no attribute '" + name + "'");
  }
  if (const auto* o = std::get_if<std::shared_ptr<const Object>>(&object.data())) {
    return (*o)->attribute(name);
  }
  if (std::optional<Value> found = method(object, name)) {
    return *found;
  }
  if (const auto* d = object.dict()) {
    if (const Value* found = d->find(Value(name))) {
      return *found;
    }
  }
  return Value::undefined("'" + object.type_name() + " object' has no attribute '" + name + "'");
}

Value Interpreter::item(const Value& object, const Value& key) {
  if (object.is_undefined()) {
    fail_undefined(object);
  }
  if (const auto* d = object.dict()) {
    charge(d->items.size() / 16);
    if (const Value* found = d->find(key)) {
      return *found;
    }
  } else if (key.is_integer() && (object.is_string() || object.sequence() != nullptr)) {
    const auto* s = object.sequence();
    const bool indexable = s == nullptr || s->kind == SequenceKind::kList || s->kind == SequenceKind::kTuple;
    if (indexable) {
      const auto size = static_cast<std::int64_t>(object.length());
      const std::int64_t at = key.integer() < 0 ? key.integer() + size : key.integer();
      if (at >= 0 && at < size) {
        return s != nullptr ? s->items[static_cast<std::size_t>(at)] : object.iterate()[static_cast<std::size_t>(at)];
      }
    }
  }
  if (key.is_string() && object.dict() == nullptr) {
    return attribute(object, *key.string());
  }
  if (key.is_string()) {
    if (std::optional<Value> found = method(object, *key.string())) {
      return *found;
    }
  }
  return Value::undefined("'" + object.type_name() + " object' has no element " +
                          (key.is_number() || key.is_string() ? key.repr() : key.type_name()));
}

}  // namespace grm::jinja
