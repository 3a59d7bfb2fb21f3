#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grm {

/// A part of a text: [begin, end) in bytes, and whether the pattern matched it.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool is_match = false;
};

/// A regular expression from a tokenizer file: Oniguruma, Ruby syntax, UTF-8, as the tokenizers library has it.
/// Matching is limited in backtracking and memory, since the pattern comes from outside. Safe from several threads.
class Regex {
 public:
  /// Throws ModelError naming `where` when the pattern does not compile.
  Regex(const std::string& pattern, std::string where);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  /// Cuts `text` (valid UTF-8) into matches and the parts between them, in order, without gaps. An empty match directly
  /// behind the previous one is skipped. Throws ModelError when the limits are reached.
  void split(std::string_view text, std::vector<Span>& out) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace grm
