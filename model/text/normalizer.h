#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/text/checked_json.h"
#include "model/text/regex.h"
#include "model/text/unicode.h"

namespace grm {

/// A pattern of a tokenizer file, {"Regex": …} or {"String": …}; cuts text into matches and the rest.
class Pattern {
 public:
  explicit Pattern(const JsonPlace& place);
  void split(std::string_view text, std::vector<Span>& out) const;
  std::string replace_all(std::string_view text, std::string_view content) const;

 private:
  std::string literal_;
  std::unique_ptr<Regex> regex_;
};

struct Normalizer;
struct NormalizeUnicode { NormalForm form; };
struct NormalizeLowercase {};
struct NormalizeStrip { bool left; bool right; };
struct NormalizePrepend { std::string text; };
struct NormalizeReplace { Pattern pattern; std::string content; };
struct NormalizeSequence { std::vector<Normalizer> steps; };

/// What is done to the text before it is cut. Refuses every type that is not listed here.
struct Normalizer {
  std::variant<NormalizeSequence, NormalizeUnicode, NormalizeLowercase, NormalizeStrip, NormalizePrepend, NormalizeReplace> step;

  static Normalizer read(const JsonPlace& place);
  std::string apply(std::string text) const;
  /// True when every text comes back as it is.
  bool is_identity() const;
};

}  // namespace grm
