#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace grm::jinja {

/// What goes wrong while a template runs; the interpreter adds the template's name and the line.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Value;
class Interpreter;
using Values = std::vector<Value>;
struct CallArguments;

inline constexpr int kMaxValueDepth = 100;              // lists within lists
inline constexpr std::size_t kMaxBytes = 64U << 20;     // of any one string, and of the output
inline constexpr std::size_t kMaxItems = 2'000'000;     // of any one list

struct Undefined {
  std::string what;  // how a message calls it: "'messages' is undefined"
};
struct None {};

/// What Python would have made: decides on printing, indexing and whether a second iteration finds anything.
enum class SequenceKind { kList, kTuple, kIterator, kKeys, kValues, kItems };
struct Sequence {
  SequenceKind kind = SequenceKind::kList;
  Values items;
  int depth = 1;
  mutable bool consumed = false;  // iterators give their items once
};
/// Insertion-ordered; keys are compared as Python does (1 == 1.0 == true).
struct Dict {
  std::vector<std::pair<Value, Value>> items;
  int depth = 1;
  const Value* find(const Value& key) const;
  void put(const Value& key, Value value);
};
/// The only thing a template can change: `namespace(…)`.
struct Namespace {
  std::map<std::string, Value> attributes;
};
struct Callable {
  std::string name;
  std::function<Value(Interpreter&, CallArguments&)> call;
};
/// An object with attributes made by the interpreter: `loop`, `cycler`.
struct Object {
  std::function<Value(const std::string&)> attribute;
  std::shared_ptr<const Callable> call;
  std::string name;
};

class Value {
 public:
  using Variant = std::variant<Undefined, None, bool, std::int64_t, double, std::shared_ptr<const std::string>,
                               std::shared_ptr<const Sequence>, std::shared_ptr<const Dict>, std::shared_ptr<Namespace>,
                               std::shared_ptr<const Callable>, std::shared_ptr<const Object>>;

  Value() : data_(Undefined{}) {}
  Value(None) : data_(None{}) {}
  Value(bool v) : data_(v) {}
  Value(int v) : data_(std::int64_t{v}) {}
  Value(std::int64_t v) : data_(v) {}
  Value(std::size_t v) : data_(static_cast<std::int64_t>(v)) {}
  Value(double v) : data_(v) {}
  Value(std::string v);
  Value(const char* v) : Value(std::string(v)) {}
  Value(Variant v) : data_(std::move(v)) {}

  static Value undefined(std::string what) { return Value(Variant(Undefined{std::move(what)})); }
  static Value sequence(Values items, SequenceKind kind = SequenceKind::kList);
  static Value dict(Dict d);
  static Value callable(std::string name, std::function<Value(Interpreter&, CallArguments&)> call);
  static Value from_json(const nlohmann::ordered_json& json, int depth = 0);

  const Variant& data() const { return data_; }
  template <class T>
  bool is() const { return std::holds_alternative<T>(data_); }
  bool is_undefined() const { return is<Undefined>(); }
  bool is_none() const { return is<None>(); }
  bool is_string() const { return is<std::shared_ptr<const std::string>>(); }
  bool is_integer() const { return is<std::int64_t>() || is<bool>(); }
  bool is_number() const { return is_integer() || is<double>(); }
  const std::string* string() const;
  const Sequence* sequence() const;
  const Dict* dict() const;
  const std::shared_ptr<Namespace>* name_space() const { return std::get_if<std::shared_ptr<Namespace>>(&data_); }
  std::int64_t integer() const;  // of a bool or an integer
  double number() const;         // of any number

  bool truthy() const;
  std::string type_name() const;  // as Python calls it
  int depth() const;
  /// str() and repr() of Python.
  std::string text() const;
  std::string repr(int depth = 0) const;
  /// Items that iteration gives; a Fault for what cannot be iterated.
  Values iterate() const;
  std::size_t length() const;

 private:
  Variant data_;
};

bool equal(const Value& a, const Value& b);
/// Python's `<`; a Fault where Python raises a TypeError.
bool less(const Value& a, const Value& b, const char* op = "<");
bool contains(const Value& container, const Value& item);

std::string float_repr(double v);
std::string string_repr(std::string_view text);
/// Python's str.isspace for one character.
bool python_space(char32_t c);

struct JsonFormat {
  bool ensure_ascii = false;
  bool sort_keys = false;
  bool multiline = false;
  std::string indent;
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
std::string to_json(const Value& value, const JsonFormat& format);

}  // namespace grm::jinja
