#include "suites/judge/mechanism.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "harness/error.h"

namespace grm {

namespace {

constexpr std::size_t kNone = std::string_view::npos;

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == kNone) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Does `text` begin with `word` (in lower case), whatever its own case?
bool begins_with(std::string_view text, std::string_view word) {
  return text.size() >= word.size() &&
         std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) { return a == lower(b); });
}

void drop(std::string_view& text, std::string_view characters) {
  text.remove_prefix(std::min(text.find_first_not_of(characters), text.size()));
}

/// The rest of a line after "### k. Principle of", or none.
std::optional<std::string_view> unit_heading(std::string_view line) {
  drop(line, " \t");
  const std::size_t marks = std::min(line.find_first_not_of('#'), line.size());
  if (marks < 2 || marks > 4) return std::nullopt;
  line.remove_prefix(marks);
  drop(line, " \t*");
  drop(line, "0123456789");
  drop(line, ".) \t*");
  if (!begins_with(line, "principle of ")) return std::nullopt;
  line.remove_prefix(13);
  return trimmed(line);
}

/// The name of a heading `[NAME]: statement` or `NAME: statement`.
std::string_view principle_name(std::string_view heading) {
  if (heading.starts_with('[')) return trimmed(heading.substr(1, std::min(heading.find(']'), heading.size()) - 1));
  return trimmed(heading.substr(0, heading.find_first_of(":*")));
}

/// The rest of a line after a label such as "Judgment:", which may stand in bold; or none.
std::optional<std::string_view> after_label(std::string_view line, std::string_view label) {
  drop(line, " \t*-");
  if (!begins_with(line, label)) return std::nullopt;
  line.remove_prefix(label.size());
  drop(line, " \t*");
  if (!line.starts_with(':')) return std::nullopt;
  line.remove_prefix(1);
  drop(line, " \t*");
  return line;
}

/// The letter in <A>, <<A>>, «A» (also MIXED): 'A', 'B' or 'M'.
std::optional<char> sub_verdict(std::string_view text) {
  text = trimmed(text);
  for (const auto& [open, close] : {std::pair{"<<", ">>"}, std::pair{"<", ">"}, std::pair{"\xC2\xAB", "\xC2\xBB"}}) {
    if (!text.starts_with(open)) continue;
    text.remove_prefix(std::string_view(open).size());
    const std::size_t end = text.find(close);
    if (end == kNone) return std::nullopt;
    const std::string_view word = trimmed(text.substr(0, end));
    if (word == "A" || word == "B") return word.front();
    return word == "MIXED" ? std::optional<char>('M') : std::nullopt;
  }
  return std::nullopt;
}

/// Calls `visit(line, offset)` for each line of the text.
template <class Visit>
void for_each_line(std::string_view text, const Visit& visit) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    visit(text.substr(begin, end - begin), begin);
    begin = end + 1;
  }
}

/// The parts of a unit's text below its heading. No unit without a judgment.
std::optional<Unit> read_unit(std::string_view text, std::string_view heading) {
  Unit unit{text, principle_name(heading), {}, std::nullopt};
  std::size_t judgment_begin = kNone;
  std::size_t judgment_end = text.size();
  for_each_line(text, [&](std::string_view line, std::size_t offset) {
    std::optional<std::string_view> rest;
    if (judgment_begin == kNone && ((rest = after_label(line, "judgment")) || (rest = after_label(line, "judgement")))) {
      judgment_begin = static_cast<std::size_t>(rest->data() - text.data());
    } else if ((rest = after_label(line, "sub-verdict"))) {
      unit.sub_verdict = sub_verdict(*rest);
      judgment_end = std::min(judgment_end, offset);
    }
  });
  if (judgment_begin == kNone) return std::nullopt;
  judgment_end = std::max(judgment_end, judgment_begin);
  unit.judgment = trimmed(text.substr(judgment_begin, judgment_end - judgment_begin));
  return unit;
}

std::vector<Unit> find_units(std::string_view text) {
  struct Heading {
    std::size_t offset;
    std::string_view rest;
  };
  std::vector<Heading> headings;
  for_each_line(text, [&](std::string_view line, std::size_t offset) {
    if (const auto rest = unit_heading(line)) headings.push_back({offset, *rest});
  });
  const std::size_t verdict = std::max(text.rfind("[[A]]") + 1, text.rfind("[[B]]") + 1);
  std::vector<Unit> units;
  for (std::size_t i = 0; i < headings.size(); ++i) {
    std::size_t end = i + 1 < headings.size() ? headings[i + 1].offset : text.size();
    if (i + 1 == headings.size() && verdict > headings[i].offset + 1) end = verdict - 1;
    const std::string_view part = trimmed(text.substr(headings[i].offset, end - headings[i].offset));
    if (auto unit = read_unit(part, headings[i].rest)) units.push_back(*unit);
  }
  return units;
}

/// Lower-case ASCII, white space as single spaces, a typographic apostrophe as the plain one.
std::string normalised(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    if (text.starts_with("\xE2\x80\x99")) {
      result += '\'';
      text.remove_prefix(3);
      continue;
    }
    const char c = text.front();
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    if (!space) result += lower(c);
    if (space && !result.empty() && result.back() != ' ') result += ' ';
    text.remove_prefix(1);
  }
  return result;
}

/// Both wordings that the paper shows.
bool has_trigger(std::string_view text) {
  const std::string plain = normalised(text);
  return plain.find("the evaluation needs deep reasoning, and let's solve the instruction") != kNone ||
         plain.find("the evaluation needs to deep reasoning, and let's solve the instruction") != kNone;
}

/// A judgment in which the instruction is worked out, announced in another way than by the trigger sentence.
bool has_solving_block(std::string_view judgment) {
  const std::string plain = normalised(judgment);
  if (plain.find("let's solve the instruction") != kNone || plain.find("let us solve the instruction") != kNone) return true;
  bool found = false;
  for_each_line(judgment, [&](std::string_view line, std::size_t) {
    drop(line, " \t*#");
    for (const std::string_view label : {"expert reasoning", "reasoning trace", "solution", "solving the instruction"}) {
      found = found || after_label(line, label).has_value();
    }
  });
  return found;
}

}  // namespace

Structure indicate_mechanism(std::string_view text) {
  Structure structure;
  structure.units = find_units(text);
  structure.trigger = has_trigger(text);
  const std::size_t units = structure.units.size();
  if (units == 0) {
    structure.mechanism = Mechanism::raw;
  } else if (structure.trigger || (units <= 3 && has_solving_block(structure.units.front().judgment))) {
    structure.mechanism = Mechanism::depth;
  } else {
    structure.mechanism = units >= 4 ? Mechanism::breadth : Mechanism::unmatched;
  }
  return structure;
}

std::string forced_beginning(std::string_view mechanism) {
  if (mechanism == "auto") return "";
  if (mechanism == "raw") return "Comparing the two answers,";
  if (mechanism == "breadth") return "### 1. Principle of";
  if (mechanism == "depth") {
    return "### 1. Principle of Correctness: The answer has to be right and complete for what the instruction asks.\n"
           "Judgment: The evaluation needs deep reasoning, and let's solve the instruction:\n";
  }
  throw UserError(fmt::format("--mechanism {}: auto, breadth, depth or raw was expected", mechanism));
}

}  // namespace grm
