#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/text/checked_json.h"
#include "model/text/normalizer.h"

namespace grm {

/// The pieces a text was cut into. They point into the text that was cut or into `storage`.
struct Pieces {
  std::vector<std::string_view> pieces;
  /// True when the pieces are raw bytes that still have to be written in the byte alphabet (ByteLevel was the last step).
  bool byte_level = false;
  std::deque<std::string> storage;
  // Scratch space, kept between steps.
  std::vector<std::string_view> next;
  std::vector<Span> spans;
};

enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

struct PreTokenizer;
struct PreSplit { Pattern pattern; SplitBehavior behavior; bool invert; };
struct PreByteLevel { bool add_prefix_space; std::shared_ptr<const Regex> regex; };
struct PreCharacters { bool (*is_match)(char32_t); SplitBehavior behavior; };  // Digits, Punctuation, WhitespaceSplit
struct PreWhitespace {};                                                       // \w+|[^\w\s]+
struct PreSequence { std::vector<PreTokenizer> steps; };

/// Cuts normalised text into the pieces that the model sees one by one. Refuses every type that is not listed here.
struct PreTokenizer {
  std::variant<PreSequence, PreSplit, PreByteLevel, PreCharacters, PreWhitespace> step;

  static PreTokenizer read(const JsonPlace& place);
  void apply(Pieces& pieces) const;
};

}  // namespace grm
