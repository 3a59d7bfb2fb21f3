#include "suites/judge/prompt_template.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/error.h"
#include "harness/files/atomic_file.h"
#include "suites/benchmarks/data_file.h"

namespace grm {

namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

PromptTemplate::PromptTemplate(std::string_view text, const std::string& name, const std::vector<std::string>& variables) {
  if (text.ends_with("\r\n")) text.remove_suffix(2);
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::set<std::string, std::less<>> used;
  while (!text.empty()) {
    const std::size_t open = text.find("{{");
    parts_.push_back({false, std::string(text.substr(0, open))});
    if (open == std::string_view::npos) break;
    text.remove_prefix(open + 2);
    const std::size_t close = text.find("}}");
    if (close == std::string_view::npos) throw UserError(fmt::format("prompt {}: '{{{{' without '}}}}'", name));
    const std::string variable(trimmed(text.substr(0, close)));
    text.remove_prefix(close + 2);
    if (std::find(variables.begin(), variables.end(), variable) == variables.end()) {
      throw UserError(fmt::format("prompt {}: unknown variable {{{{{}}}}}; known ones: {}", name, variable.substr(0, 60),
                                  fmt::join(variables, ", ")));
    }
    used.insert(variable);
    parts_.push_back({true, variable});
  }
  for (const std::string& variable : variables) {
    if (used.contains(variable)) continue;
    throw UserError(fmt::format("prompt {}: the variable {{{{{}}}}} does not occur", name, variable));
  }
}

std::string PromptTemplate::render(const std::map<std::string, std::string, std::less<>>& values) const {
  std::string result;
  for (const Part& part : parts_) result += part.is_variable ? values.at(part.text) : part.text;
  return result;
}

PromptTemplate load_pairwise_prompt(const std::filesystem::path& file) {
  const std::vector<std::string> variables = {"instruction", "answer_a", "answer_b"};
  if (file.empty()) return PromptTemplate(default_pairwise_prompt(), "pairwise.txt (built in)", variables);
  const std::string text = read_file(file);
  try {
    static_cast<void>(nlohmann::json(text).dump());  // refuses what is not UTF-8
  } catch (const nlohmann::json::exception&) {
    throw UserError(fmt::format("--prompt {}: not valid UTF-8", file.string()));
  }
  return PromptTemplate(text, file.string(), variables);
}

}  // namespace grm
