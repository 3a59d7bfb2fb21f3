#include "model/text/jinja/interpreter.h"

#include <algorithm>
#include <utility>

namespace grm::jinja {
namespace {

constexpr std::size_t kMaxSteps = 4'000'000;

}  // namespace

struct LoopState {
  Values items;
  std::size_t index = 0;
  int depth = 1;
  std::optional<Value> changed;
};

const Value* CallArguments::keyword(std::string_view name) const {
  for (const auto& [key, value] : keywords) {
    if (key == name) {
      return &value;
    }
  }
  return nullptr;
}

std::vector<const Value*> CallArguments::bind(std::string_view function, std::initializer_list<const char*> names,
                                              std::size_t required) const {
  const std::string label(function);
  if (positional.size() > names.size()) {
    throw Fault(label + "() takes at most " + std::to_string(names.size()) + " arguments, " + std::to_string(positional.size()) +
                " given");
  }
  std::vector<const Value*> out(names.size(), nullptr);
  for (std::size_t i = 0; i < positional.size(); ++i) {
    out[i] = &positional[i];
  }
  for (const auto& [key, value] : keywords) {
    const auto found = std::find(names.begin(), names.end(), key);
    if (found == names.end() || out[static_cast<std::size_t>(found - names.begin())] != nullptr) {
      throw Fault(label + "() got an unexpected or repeated argument '" + key + "'");
    }
    out[static_cast<std::size_t>(found - names.begin())] = &value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (out[i] == nullptr) {
      throw Fault(label + "() missing required argument '" + *(names.begin() + i) + "'");
    }
  }
  return out;
}

Interpreter::Interpreter(Scope variables, std::optional<std::tm> now) : now_(now) { scopes_.push_back(std::move(variables)); }

Interpreter::~Interpreter() {
  // Namespaces may hold each other in a ring or a long chain: empty them one by one.
  for (const auto& n : namespaces_) {
    std::map<std::string, Value> attributes = std::exchange(n->attributes, {});
  }
}

void Interpreter::charge(std::size_t steps) {
  steps_ += steps;
  if (steps_ > kMaxSteps) {
    throw Fault("more than " + std::to_string(kMaxSteps) + " steps: the template does not come to an end");
  }
}

void Interpreter::write(std::string_view text) {
  charge(text.size() / 64);
  if (out_->size() + text.size() > kMaxBytes) {
    throw Fault("output grows beyond " + std::to_string(kMaxBytes) + " bytes");
  }
  *out_ += text;
}

std::string Interpreter::run(const Body& body) { return capture(body, scopes_.front()); }

std::string Interpreter::capture(const Body& body, Scope& scope) {
  std::string text;
  std::string* const outer = std::exchange(out_, &text);
  struct Restore {
    std::string*& slot;
    std::string* value;
    ~Restore() { slot = value; }
  } restore{out_, outer};
  execute(body, scope);
  return text;
}

Interpreter::Flow Interpreter::execute(const Body& body, Scope& scope) {
  const Nested nested(*this);
  for (const StmtPtr& node : body) {
    if (const Flow flow = execute(*node, scope); flow != Flow::kNormal) {
      return flow;
    }
  }
  return Flow::kNormal;
}

Interpreter::Flow Interpreter::execute(const Stmt& node, Scope& scope) {
  charge(1);
  line_ = node.line;
  switch (node.kind) {
    case StmtKind::kData: write(node.text); break;
    case StmtKind::kOutput: write(evaluate(*node.expr, scope).text()); break;
    case StmtKind::kIf: return execute_if(node, scope);
    case StmtKind::kFor: return execute_for(node, evaluate(*node.expr, scope), scope, 1);
    case StmtKind::kSet: assign(*node.target, evaluate(*node.expr, scope), scope); break;
    case StmtKind::kSetBlock: execute_set(node, scope); break;
    case StmtKind::kMacro: scope.variables[node.text] = macro(node, node.text, scope); break;
    case StmtKind::kCallBlock: {
      CallArguments arguments = evaluate_arguments(node.expr->arguments, scope);
      arguments.keywords.emplace_back("caller", macro(node, "caller", scope));
      write(call(evaluate(*node.expr->children[0], scope), arguments).text());
      break;
    }
    case StmtKind::kFilterBlock: {
      Scope& inner = scopes_.emplace_back(Scope{&scope, {}});
      const Value text(capture(node.body, inner));
      write(evaluate_filter(*node.expr, &text, inner).text());
      break;
    }
    case StmtKind::kWith: {
      Scope& inner = scopes_.emplace_back(Scope{&scope, {}});
      for (const auto& [target, value] : node.with) {
        assign(*target, evaluate(*value, scope), inner);
      }
      return execute(node.body, inner);
    }
    case StmtKind::kGeneration: {
      Scope& inner = scopes_.emplace_back(Scope{&scope, {}});
      return execute(node.body, inner);
    }
    case StmtKind::kBreak: return Flow::kBreak;
    case StmtKind::kContinue: return Flow::kContinue;
  }
  return Flow::kNormal;
}

Interpreter::Flow Interpreter::execute_if(const Stmt& node, Scope& scope) {
  for (const auto& [condition, body] : node.branches) {
    if (!condition || evaluate(*condition, scope).truthy()) {
      return execute(body, scope);
    }
  }
  return Flow::kNormal;
}

Interpreter::Flow Interpreter::execute_for(const Stmt& node, const Value& iterable, Scope& scope, int depth) {
  const Nested nested(*this);
  auto state = std::make_shared<LoopState>();
  state->depth = depth;
  Values items = iterable.iterate();
  charge(items.size());
  Scope& inner = scopes_.emplace_back(Scope{&scope, {}});
  if (node.condition) {
    for (Value& item : items) {
      inner.variables.clear();
      assign(*node.target, item, inner);
      if (evaluate(*node.condition, inner).truthy()) {
        state->items.push_back(std::move(item));
      }
    }
  } else {
    state->items = std::move(items);
  }
  const Value loop = make_loop(node, state, scope);
  for (state->index = 0; state->index < state->items.size(); ++state->index) {
    inner.variables.clear();
    inner.variables["loop"] = loop;
    assign(*node.target, state->items[state->index], inner);
    if (execute(node.body, inner) == Flow::kBreak) {
      return Flow::kNormal;
    }
  }
  inner.variables.clear();
  return state->items.empty() ? execute(node.otherwise, inner) : Flow::kNormal;
}

Value Interpreter::make_loop(const Stmt& node, std::shared_ptr<LoopState> state, Scope& scope) {
  Object loop;
  loop.name = "loop";
  loop.attribute = [state](const std::string& name) -> Value {
    const std::size_t size = state->items.size();
    const std::size_t i = state->index;
    if (name == "index") return i + 1;
    if (name == "index0") return i;
    if (name == "revindex") return size - i;
    if (name == "revindex0") return size - i - 1;
    if (name == "first") return i == 0;
    if (name == "last") return i + 1 == size;
    if (name == "length") return size;
    if (name == "depth") return state->depth;
    if (name == "depth0") return state->depth - 1;
    if (name == "previtem") return i > 0 ? state->items[i - 1] : Value::undefined("there is no previous item");
    if (name == "nextitem") return i + 1 < size ? state->items[i + 1] : Value::undefined("there is no next item");
    if (name == "cycle") {
      return Value::callable("cycle", [state](Interpreter&, CallArguments& arguments) {
        if (arguments.positional.empty()) {
          throw Fault("no items for cycling given");
        }
        return arguments.positional[state->index % arguments.positional.size()];
      });
    }
    if (name == "changed") {
      return Value::callable("changed", [state](Interpreter&, CallArguments& arguments) {
        const Value now = Value::sequence(arguments.positional, SequenceKind::kTuple);
        const bool changed = !state->changed || !equal(*state->changed, now);
        state->changed = now;
        return Value(changed);
      });
    }
    return Value::undefined("'loop' has no attribute '" + name + "'");
  };
  if (node.recursive) {
    loop.call = std::make_shared<const Callable>(
        Callable{"loop", [&node, &scope, depth = state->depth](Interpreter& run, CallArguments& a) {
                   const Value iterable = *a.bind("loop", {"iterable"}, 1)[0];
                   std::string text;
                   std::string* const outer = std::exchange(run.out_, &text);
                   try {
                     run.execute_for(node, iterable, scope, depth + 1);
                   } catch (...) {
                     run.out_ = outer;
                     throw;
                   }
                   run.out_ = outer;
                   return Value(std::move(text));
                 }});
  }
  return Value(Value::Variant(std::make_shared<const Object>(std::move(loop))));
}

void Interpreter::execute_set(const Stmt& node, Scope& scope) {
  Scope& inner = scopes_.emplace_back(Scope{&scope, {}});
  Value text(capture(node.body, inner));
  if (node.expr) {
    text = evaluate_filter(*node.expr, &text, scope);
  }
  assign(*node.target, text, scope);
}

void Interpreter::assign(const Expr& target, const Value& value, Scope& scope) {
  if (target.kind == ExprKind::kName) {
    scope.variables[target.name] = value;
    return;
  }
  if (target.kind == ExprKind::kAttribute) {
    const Value object = evaluate(*target.children[0], scope);
    if (object.name_space() == nullptr) {
      throw Fault("cannot assign attribute on non-namespace object");
    }
    if (target.name.starts_with('_')) {
      throw Fault("a namespace takes no attribute that begins with an underscore: '" + target.name + "'");
    }
    (*object.name_space())->attributes[target.name] = value;
    return;
  }
  const Values items = value.iterate();
  if (value.is_undefined() || items.size() != target.children.size()) {
    throw Fault("expected " + std::to_string(target.children.size()) + " values to unpack, got " + std::to_string(items.size()));
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    assign(*target.children[i], items[i], scope);
  }
}

Value Interpreter::macro(const Stmt& node, const std::string& name, Scope& scope) {
  return Value::callable(name, [&node, name, &scope](Interpreter& run, CallArguments& arguments) {
    const Nested nested(run);
    return Value(run.run_macro(node, name, scope, arguments));
  });
}

std::string Interpreter::run_macro(const Stmt& node, const std::string& name, Scope& scope, CallArguments& arguments) {
  Scope& inner = scopes_.emplace_back(Scope{&scope, {}});
  const auto& parameters = node.parameters;
  Values rest;
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) {
    if (i < parameters.size()) {
      inner.variables[parameters[i].name] = arguments.positional[i];
    } else {
      rest.push_back(arguments.positional[i]);
    }
  }
  Dict extra;
  for (const auto& [key, value] : arguments.keywords) {
    const bool known =
        std::any_of(parameters.begin(), parameters.end(), [&, k = key](const Parameter& p) { return p.name == k; });
    if (known && inner.variables.contains(key)) {
      throw Fault("macro '" + name + "' got multiple values for argument '" + key + "'");
    }
    if (known || (key == "caller" && node.uses_caller)) {
      inner.variables[key] = value;
    } else {
      extra.put(Value(key), value);
    }
  }
  for (const Parameter& parameter : parameters) {
    if (!inner.variables.contains(parameter.name)) {
      inner.variables[parameter.name] = parameter.otherwise
                                            ? evaluate(*parameter.otherwise, inner)
                                            : Value::undefined("parameter '" + parameter.name + "' was not provided");
    }
  }
  if ((!rest.empty() && !node.uses_varargs) || (!extra.items.empty() && !node.uses_kwargs)) {
    throw Fault("macro '" + name + "' takes not more than " + std::to_string(parameters.size()) + " argument(s)" +
                (extra.items.empty() ? "" : " and no argument " + extra.items[0].first.repr()));
  }
  inner.variables.try_emplace("varargs", Value::sequence(std::move(rest), SequenceKind::kTuple));
  inner.variables.try_emplace("kwargs", Value::dict(std::move(extra)));
  return capture(node.body, inner);
}

Value Interpreter::call(const Value& function, CallArguments& arguments) {
  charge(1);
  const int at = line_;
  const auto* callable = std::get_if<std::shared_ptr<const Callable>>(&function.data());
  const auto* object = std::get_if<std::shared_ptr<const Object>>(&function.data());
  if (callable == nullptr && (object == nullptr || (*object)->call == nullptr)) {
    throw Fault(function.is_undefined() ? std::get<Undefined>(function.data()).what
                                        : "'" + function.type_name() + "' object is not callable");
  }
  const std::shared_ptr<const Callable> target = callable != nullptr ? *callable : (*object)->call;  // outlives the call
  Value result = target->call(*this, arguments);
  line_ = at;
  return result;
}

Value Interpreter::make_namespace(std::map<std::string, Value> attributes) {
  for (const auto& [name, unused] : attributes) {
    if (name.starts_with('_')) {
      throw Fault("a namespace takes no attribute that begins with an underscore: '" + name + "'");
    }
  }
  namespaces_.push_back(std::make_shared<Namespace>(Namespace{std::move(attributes)}));
  return Value(Value::Variant(namespaces_.back()));
}

}  // namespace grm::jinja
