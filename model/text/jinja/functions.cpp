// Global functions: Jinja2's and those that transformers adds.
#include <ctime>

#include "model/text/jinja/interpreter.h"
#include "model/text/unicode.h"

namespace grm::jinja {
namespace {

constexpr std::int64_t kMaxRange = 100'000;  // Jinja2's sandbox has the same

Value range(Interpreter& run, CallArguments& a) {
  const auto b = a.bind("range", {"start", "stop", "step"}, 1);
  const auto integer = [](const Value& v) {
    if (!v.is_integer()) throw Fault("'" + v.type_name() + "' object cannot be interpreted as an integer");
    return v.integer();
  };
  const std::int64_t start = b[1] != nullptr ? integer(*b[0]) : 0;
  const std::int64_t stop = integer(b[1] != nullptr ? *b[1] : *b[0]);
  const std::int64_t step = b[2] != nullptr ? integer(*b[2]) : 1;
  if (step == 0) throw Fault("range() arg 3 must not be zero");
  Values out;
  for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<std::int64_t>(out.size()) >= kMaxRange) {
      throw Fault("range too big: the sandbox blocks more than " + std::to_string(kMaxRange) + " items");
    }
    out.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  run.charge(out.size() / 4);
  return Value::sequence(std::move(out));
}

Dict dict_of(const CallArguments& a) {
  Dict out;
  if (a.positional.size() > 1) throw Fault("dict expected at most 1 argument");
  if (!a.positional.empty()) {
    if (const auto* d = a.positional[0].dict()) {
      out = *d;
    } else {
      for (const Value& pair : a.positional[0].iterate()) {
        const Values both = pair.iterate();
        if (both.size() != 2) throw Fault("dictionary update sequence element is not a pair");
        out.put(both[0], both[1]);
      }
    }
  }
  for (const auto& [key, value] : a.keywords) {
    out.put(Value(key), value);
  }
  return out;
}

Value name_space(Interpreter& run, CallArguments& a) {
  std::map<std::string, Value> attributes;
  for (const auto& [key, value] : dict_of(a).items) {
    if (!key.is_string()) throw Fault("a namespace's attributes are named by strings");
    attributes[*key.string()] = value;
  }
  return run.make_namespace(std::move(attributes));
}

Value raise_exception(Interpreter&, CallArguments& a) {
  throw Fault("the template refuses: " + a.bind("raise_exception", {"message"}, 1)[0]->text());
}

Value strftime_now(Interpreter& run, CallArguments& a) {
  const Value& format = *a.bind("strftime_now", {"format"}, 1)[0];
  if (!format.is_string()) throw Fault("strftime() argument 1 must be str, not " + format.type_name());
  if (!run.now()) {
    throw Fault("the template asks for today's date, and none is fixed: give one, so that the prompt does not depend on the day");
  }
  if (format.string()->size() > 256 || format.string()->find('\0') != std::string::npos) throw Fault("strftime: bad format");
  char buffer[4096];
  std::string marked = *format.string() + "|";  // so that an empty result differs from an error
  const std::size_t size = std::strftime(buffer, sizeof buffer, marked.c_str(), &*run.now());
  if (size == 0) throw Fault("strftime: the text is too long");
  return utf8_lossy(std::string_view(buffer, size - 1));
}

Value cycler(Interpreter&, CallArguments& a) {
  if (a.positional.empty()) throw Fault("at least one item has to be provided");
  const auto position = std::make_shared<std::size_t>(0);
  Object object;
  object.name = "cycler";
  object.attribute = [items = a.positional, position](const std::string& name) -> Value {
    if (name == "current") return items[*position];
    if (name == "next") {
      return Value::callable("next", [items, position](Interpreter&, CallArguments&) {
        const Value now = items[*position];
        *position = (*position + 1) % items.size();
        return now;
      });
    }
    if (name == "reset") {
      return Value::callable("reset", [position](Interpreter&, CallArguments&) {
        *position = 0;
        return Value(None{});
      });
    }
    return Value::undefined("'cycler' has no attribute '" + name + "'");
  };
  return Value(Value::Variant(std::make_shared<const Object>(std::move(object))));
}

Value joiner(Interpreter&, CallArguments& a) {
  const Value* given = a.bind("joiner", {"sep"})[0];
  return Value::callable("joiner",
                         [separator = given != nullptr ? *given : Value(", "), used = std::make_shared<bool>(false)](
                             Interpreter&, CallArguments&) { return std::exchange(*used, true) ? separator : Value(""); });
}

}  // namespace

const std::map<std::string, Value>& global_functions() {
  static const std::map<std::string, Value> functions = {
      {"range", Value::callable("range", range)},
      {"dict", Value::callable("dict", [](Interpreter&, CallArguments& a) { return Value::dict(dict_of(a)); })},
      {"namespace", Value::callable("namespace", name_space)},
      {"raise_exception", Value::callable("raise_exception", raise_exception)},
      {"strftime_now", Value::callable("strftime_now", strftime_now)},
      {"cycler", Value::callable("cycler", cycler)},
      {"joiner", Value::callable("joiner", joiner)},
  };
  return functions;
}

}  // namespace grm::jinja
