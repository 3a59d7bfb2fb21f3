// The judge's prompt as a text with {{variables}}.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace grm {

/// The pairwise prompt compiled in from judge/prompts/pairwise.txt. Variables: instruction, answer_a, answer_b.
std::string_view default_pairwise_prompt();

/// A text cut at its variables. What is put in for a variable is never looked at again.
class PromptTemplate {
 public:
  /// `name` stands for the text in messages. UserError for a variable that is not in `variables`, one of `variables` that
  /// does not occur, or `{{` without `}}`. One newline at the end of the text is dropped.
  PromptTemplate(std::string_view text, const std::string& name, const std::vector<std::string>& variables);

  std::string render(const std::map<std::string, std::string, std::less<>>& values) const;

 private:
  struct Part {
    bool is_variable;
    std::string text;
  };
  std::vector<Part> parts_;
};

/// The pairwise prompt of a file, or the one compiled in where `file` is empty.
PromptTemplate load_pairwise_prompt(const std::filesystem::path& file);

}  // namespace grm
