#include "model/text/pre_tokenizer.h"

#include <algorithm>
#include <utility>

#include "model/text/byte_alphabet.h"
#include "model/text/unicode.h"

namespace grm {
namespace {

// GPT-2's own pattern, used where ByteLevel says use_regex.
constexpr const char* kGpt2Pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

SplitBehavior read_behavior(const JsonPlace& place) {
  const std::string name = place.string();
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  place.fail("unknown behavior \"" + name + "\"; known: Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous");
}

/// Turns matches and gaps into pieces. Two matches side by side stay apart but under kContiguous.
void cut(std::string_view text, std::vector<Span>& spans, SplitBehavior behavior, std::vector<std::string_view>& out) {
  const auto emit = [&](const Span& span) {
    if (span.end > span.begin) {
      out.push_back(text.substr(span.begin, span.end - span.begin));
    }
  };
  if (behavior == SplitBehavior::kIsolated || behavior == SplitBehavior::kRemoved) {
    for (const Span& span : spans) {
      if (behavior == SplitBehavior::kIsolated || !span.is_match) {
        emit(span);
      }
    }
    return;
  }
  if (behavior == SplitBehavior::kMergedWithNext) {
    std::reverse(spans.begin(), spans.end());
  }
  std::vector<Span> merged;
  bool previous = false;
  for (const Span& span : spans) {
    const bool joins = behavior == SplitBehavior::kContiguous ? span.is_match == previous : span.is_match && !previous;
    if (joins && !merged.empty()) {
      merged.back().begin = std::min(merged.back().begin, span.begin);
      merged.back().end = std::max(merged.back().end, span.end);
    } else {
      merged.push_back(span);
    }
    previous = span.is_match;
  }
  if (behavior == SplitBehavior::kMergedWithNext) {
    std::reverse(merged.begin(), merged.end());
  }
  for (const Span& span : merged) {
    emit(span);
  }
}

void split_characters(std::string_view text, bool (*is_match)(char32_t), std::vector<Span>& out) {
  out.clear();
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = read_code_point(text, i);
    if (is_match(c.value)) {
      if (i > done) {
        out.push_back({done, i, false});
      }
      out.push_back({i, i + c.size, true});
      done = i + c.size;
    }
    i += c.size;
  }
  if (done < text.size()) {
    out.push_back({done, text.size(), false});
  }
}

void split_words(std::string_view text, std::vector<std::string_view>& out) {
  enum class Kind { kSpace, kWord, kOther };
  Kind run = Kind::kSpace;
  std::size_t begin = 0;
  const auto flush = [&](std::size_t end) {
    if (run != Kind::kSpace && end > begin) {
      out.push_back(text.substr(begin, end - begin));
    }
    begin = end;
  };
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = read_code_point(text, i);
    const Kind kind = is_word_character(c.value) ? Kind::kWord : is_white_space(c.value) ? Kind::kSpace : Kind::kOther;
    if (kind != run) {
      flush(i);
      run = kind;
    }
    i += c.size;
  }
  flush(text.size());
}

std::shared_ptr<const Regex> gpt2_regex() {
  static const auto regex = std::make_shared<const Regex>(kGpt2Pattern, "ByteLevel's own pattern");
  return regex;
}

/// Pieces that ByteLevel left as raw bytes are written out, because a further step wants to see characters.
void write_out_bytes(Pieces& pieces) {
  if (!pieces.byte_level) {
    return;
  }
  for (std::string_view& piece : pieces.pieces) {
    piece = pieces.storage.emplace_back(ByteAlphabet::get().encode(piece));
  }
  pieces.byte_level = false;
}

void apply_byte_level(const PreByteLevel& step, Pieces& pieces) {
  pieces.next.clear();
  for (std::string_view piece : pieces.pieces) {
    if (step.add_prefix_space && !piece.starts_with(' ') && !piece.empty()) {
      std::string& prefixed = pieces.storage.emplace_back(1, ' ');
      prefixed.append(piece);
      piece = prefixed;
    }
    if (step.regex) {
      step.regex->split(piece, pieces.spans);
      cut(piece, pieces.spans, SplitBehavior::kIsolated, pieces.next);
    } else if (!piece.empty()) {
      pieces.next.push_back(piece);
    }
  }
  pieces.pieces.swap(pieces.next);
  pieces.byte_level = true;
}

}  // namespace

PreTokenizer PreTokenizer::read(const JsonPlace& place) {
  const std::string type = place.string_at("type");
  if (type == "Sequence") {
    place.allow_keys({"type", "pretokenizers"});
    PreSequence sequence;
    const JsonPlace steps = place.at("pretokenizers");
    if (!steps.value.is_array()) {
      steps.fail("expected a list");
    }
    for (std::size_t i = 0; i < steps.value.size(); ++i) {
      sequence.steps.push_back(read(steps.at(i)));
    }
    return {std::move(sequence)};
  }
  if (type == "Split") {
    place.allow_keys({"type", "pattern", "behavior", "invert"});
    return {PreSplit{Pattern(place.at("pattern")), read_behavior(place.at("behavior")), place.boolean_at("invert", false)}};
  }
  if (type == "ByteLevel") {
    place.allow_keys({"type", "add_prefix_space", "trim_offsets", "use_regex"});
    return {
        PreByteLevel{place.boolean_at("add_prefix_space", true), place.boolean_at("use_regex", true) ? gpt2_regex() : nullptr}};
  }
  if (type == "Digits") {
    place.allow_keys({"type", "individual_digits"});
    const bool single = place.boolean_at("individual_digits", false);
    return {PreCharacters{is_numeric, single ? SplitBehavior::kIsolated : SplitBehavior::kContiguous}};
  }
  if (type == "Punctuation") {
    place.allow_keys({"type", "behavior"});
    return {
        PreCharacters{is_punctuation, place.has("behavior") ? read_behavior(place.at("behavior")) : SplitBehavior::kIsolated}};
  }
  place.allow_keys({"type"});
  if (type == "WhitespaceSplit") return {PreCharacters{is_white_space, SplitBehavior::kRemoved}};
  if (type == "Whitespace") return {PreWhitespace{}};
  place.fail("pre-tokenizer type \"" + type +
             "\" is not supported; known: Split, ByteLevel, Digits, Punctuation, Whitespace, WhitespaceSplit, Sequence");
}

void PreTokenizer::apply(Pieces& pieces) const {
  if (const auto* sequence = std::get_if<PreSequence>(&step)) {
    for (const PreTokenizer& inner : sequence->steps) {
      inner.apply(pieces);
    }
    return;
  }
  write_out_bytes(pieces);
  if (const auto* byte_level = std::get_if<PreByteLevel>(&step)) {
    apply_byte_level(*byte_level, pieces);
    return;
  }
  pieces.next.clear();
  for (const std::string_view piece : pieces.pieces) {
    if (const auto* split = std::get_if<PreSplit>(&step)) {
      split->pattern.split(piece, pieces.spans);
      if (split->invert) {
        for (Span& span : pieces.spans) {
          span.is_match = !span.is_match;
        }
      }
      cut(piece, pieces.spans, split->behavior, pieces.next);
    } else if (const auto* characters = std::get_if<PreCharacters>(&step)) {
      split_characters(piece, characters->is_match, pieces.spans);
      cut(piece, pieces.spans, characters->behavior, pieces.next);
    } else {
      split_words(piece, pieces.next);
    }
  }
  pieces.pieces.swap(pieces.next);
}

}  // namespace grm
