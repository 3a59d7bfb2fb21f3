#pragma once

#include <ctime>
#include <deque>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/text/jinja/ast.h"
#include "model/text/jinja/value.h"

namespace grm::jinja {

struct CallArguments {
  Values positional;
  std::vector<std::pair<std::string, Value>> keywords;

  const Value* keyword(std::string_view name) const;
  /// The arguments in the order of `names`, null where not given. A Fault for too many, unknown or missing ones.
  std::vector<const Value*> bind(std::string_view function, std::initializer_list<const char*> names,
                                 std::size_t required = 0) const;
};

/// Variables of one block; what is not found is looked for in `parent`.
struct Scope {
  Scope* parent = nullptr;
  std::map<std::string, Value> variables;
};

/// Runs one template once, within limits of steps, depth and size. Throws Fault; `line()` says where.
class Interpreter {
 public:
  Interpreter(Scope variables, std::optional<std::tm> now);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  std::string run(const Body& body);
  int line() const { return line_; }

  /// Counts work; a Fault when a template does more than any honest one needs.
  void charge(std::size_t steps);
  Value call(const Value& function, CallArguments& arguments);
  Value filter(const std::string& name, const Value& subject, CallArguments& arguments);
  bool test(const std::string& name, const Value& subject, CallArguments& arguments);
  /// `object.name` and `object[key]` of Jinja2: each also tries what the other one does.
  Value attribute(const Value& object, const std::string& name);
  Value item(const Value& object, const Value& key);
  Value make_namespace(std::map<std::string, Value> attributes);
  const std::optional<std::tm>& now() const { return now_; }

 private:
  enum class Flow { kNormal, kBreak, kContinue };
  static constexpr int kMaxDepth = 1000;  // of statements, expressions and macro calls within each other
  struct Nested {
    explicit Nested(Interpreter& r) : run(r) {
      if (run.depth_ >= kMaxDepth) {
        throw Fault("recursion deeper than " + std::to_string(kMaxDepth) + " levels");
      }
      ++run.depth_;
    }
    ~Nested() { --run.depth_; }
    Interpreter& run;
  };

  Flow execute(const Body& body, Scope& scope);
  Flow execute(const Stmt& node, Scope& scope);
  Flow execute_if(const Stmt& node, Scope& scope);
  Flow execute_for(const Stmt& node, const Value& iterable, Scope& scope, int depth);
  void execute_set(const Stmt& node, Scope& scope);
  void define_macro(const Stmt& node, Scope& scope);
  Value macro(const Stmt& node, const std::string& name, Scope& scope);
  std::string run_macro(const Stmt& node, const std::string& name, Scope& scope, CallArguments& arguments);
  /// Output of `body`, kept apart; break and continue do not leave it.
  std::string capture(const Body& body, Scope& scope);
  void assign(const Expr& target, const Value& value, Scope& scope);
  void write(std::string_view text);

  Value evaluate(const Expr& node, Scope& scope);
  Value evaluate_name(const Expr& node, Scope& scope);
  Value evaluate_compare(const Expr& node, Scope& scope);
  Value evaluate_dict(const Expr& node, Scope& scope);
  Value evaluate_item(const Expr& node, Scope& scope);
  Value evaluate_filter(const Expr& node, const Value* block, Scope& scope);
  Values evaluate_all(const std::vector<ExprPtr>& nodes, Scope& scope);
  CallArguments evaluate_arguments(const std::vector<Argument>& arguments, Scope& scope);
  Value make_loop(const Stmt& node, std::shared_ptr<struct LoopState> state, Scope& scope);

  std::deque<Scope> scopes_;  // live as long as the interpreter, since macros may refer to them
  std::vector<std::shared_ptr<Namespace>> namespaces_;
  std::optional<std::tm> now_;
  std::string* out_ = nullptr;
  std::size_t steps_ = 0;
  int depth_ = 0;
  int line_ = 1;
};

// Operators (operators.cpp).
Value binary(const std::string& op, const Value& a, const Value& b);
Value negate(const Value& a);
Value slice(const Value& object, const Value& start, const Value& stop, const Value& step);

// Printf-style and str.format-style text (format.cpp).
std::string percent_format(std::string_view format, const Values& values, const Dict* named);
std::string brace_format(Interpreter& run, std::string_view format, const CallArguments& arguments);

// Methods of strings and dicts (methods.cpp); empty when there is none of that name.
std::optional<Value> method(const Value& object, const std::string& name);
// Global functions such as range and namespace (functions.cpp).
const std::map<std::string, Value>& global_functions();

// Text helpers shared by methods and filters (text.cpp), each as Python's str has it.
std::string strip(std::string_view text, const std::string* characters, bool left, bool right);
std::string capitalize(std::string_view text);
std::string title_case(std::string_view text);   // str.title
std::string title_words(std::string_view text);  // the filter `title`
Values split_lines(std::string_view text, bool keep_ends);
Values split(std::string_view text, const Value* separator, std::int64_t limit, bool from_right);
std::string replace(std::string_view text, std::string_view from, std::string_view to, std::int64_t limit);
std::string escape_html(std::string_view text);

}  // namespace grm::jinja
