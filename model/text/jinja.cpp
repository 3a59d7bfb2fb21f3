#include "model/text/jinja.h"

#include <utility>

#include "model/error.h"
#include "model/text/jinja/interpreter.h"
#include "model/text/jinja/parser.h"

namespace grm {
namespace {

constexpr std::size_t kMaxSource = std::size_t{4} << 20;

[[noreturn]] void fail(const std::string& name, int line, const std::string& what) {
  throw ModelError("template " + name + ", line " + std::to_string(line) + ": " + what);
}

}  // namespace

struct JinjaTemplate::Tree {
  jinja::Body body;
};

JinjaTemplate::JinjaTemplate(std::string source, std::string name)
    : source_(std::move(source)), name_(std::move(name)), tree_(std::make_unique<Tree>()) {
  int line = 1;
  if (source_.size() > kMaxSource) {
    fail(name_, line, "longer than " + std::to_string(kMaxSource) + " bytes");
  }
  try {
    tree_->body = jinja::parse(source_, line);
  } catch (const jinja::Fault& e) {
    fail(name_, line, e.what());
  }
}
JinjaTemplate::JinjaTemplate(JinjaTemplate&&) noexcept = default;
JinjaTemplate& JinjaTemplate::operator=(JinjaTemplate&&) noexcept = default;
JinjaTemplate::~JinjaTemplate() = default;

std::string JinjaTemplate::render(const nlohmann::ordered_json& variables, std::optional<std::tm> now) const {
  if (!variables.is_object()) {
    fail(name_, 1, "its variables must be an object");
  }
  jinja::Scope scope;
  try {
    for (const auto& [key, value] : variables.items()) {
      scope.variables[key] = jinja::Value::from_json(value);
    }
  } catch (const jinja::Fault& e) {
    fail(name_, 1, e.what());
  }
  jinja::Interpreter interpreter(std::move(scope), now);
  try {
    return interpreter.run(tree_->body);
  } catch (const jinja::Fault& e) {
    fail(name_, interpreter.line(), e.what());
  }
}

}  // namespace grm
