#pragma once

#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace grm {

/// A Jinja2 template, run as transformers runs chat templates: trim_blocks and lstrip_blocks on, no trailing newline, loop
/// controls, `generation` blocks, raise_exception, strftime_now, and a `tojson` that is Python's json.dumps. Nothing a
/// template holds can change its variables, reach outside or run without end. Safe from several threads.
class JinjaTemplate {
 public:
  /// `name` stands for the template in messages. Throws ModelError with name and line on bad syntax.
  JinjaTemplate(std::string source, std::string name);
  JinjaTemplate(JinjaTemplate&&) noexcept;
  JinjaTemplate& operator=(JinjaTemplate&&) noexcept;
  ~JinjaTemplate();

  /// `variables` must be an object. `now` is what strftime_now tells; a template that asks without it is refused, since
  /// its prompt would depend on the day. Throws ModelError with name and line.
  std::string render(const nlohmann::ordered_json& variables, std::optional<std::tm> now = std::nullopt) const;

  const std::string& source() const { return source_; }

 private:
  struct Tree;
  std::string source_;
  std::string name_;
  std::unique_ptr<Tree> tree_;
};

}  // namespace grm
