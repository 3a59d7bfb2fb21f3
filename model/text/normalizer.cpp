#include "model/text/normalizer.h"

#include <utility>

namespace grm {
namespace {

std::string lowercase(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = read_code_point(text, i);
    append_lowercase(out, c.value);
    i += c.size;
  }
  return out;
}

std::string strip(std::string_view text, bool left, bool right) {
  std::size_t begin = text.size();
  std::size_t end = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = read_code_point(text, i);
    if (!is_white_space(c.value)) {
      begin = std::min(begin, i);
      end = i + c.size;
    }
    i += c.size;
  }
  if (begin == text.size()) {
    return left || right ? std::string() : std::string(text);
  }
  begin = left ? begin : 0;
  end = right ? end : text.size();
  return std::string(text.substr(begin, end - begin));
}

}  // namespace

Pattern::Pattern(const JsonPlace& place) {
  place.allow_keys({"Regex", "String"});
  if (place.value.size() != 1) {
    place.fail("expected exactly one of \"Regex\" and \"String\"");
  }
  if (place.has("Regex")) {
    regex_ = std::make_unique<Regex>(place.string_at("Regex"), place.where + ".Regex");
    return;
  }
  literal_ = place.string_at("String");
  if (literal_.empty()) {
    place.fail("an empty pattern matches everywhere and is refused");
  }
}

void Pattern::split(std::string_view text, std::vector<Span>& out) const {
  if (regex_) {
    regex_->split(text, out);
    return;
  }
  out.clear();
  std::size_t done = 0;
  for (std::size_t at = text.find(literal_); at != std::string_view::npos; at = text.find(literal_, done)) {
    if (at > done) {
      out.push_back({done, at, false});
    }
    done = at + literal_.size();
    out.push_back({at, done, true});
  }
  if (done < text.size()) {
    out.push_back({done, text.size(), false});
  }
}

std::string Pattern::replace_all(std::string_view text, std::string_view content) const {
  std::vector<Span> spans;
  split(text, spans);
  std::string out;
  out.reserve(text.size());
  for (const Span& span : spans) {
    out += span.is_match ? content : text.substr(span.begin, span.end - span.begin);
  }
  return out;
}

Normalizer Normalizer::read(const JsonPlace& place) {
  const std::string type = place.string_at("type");
  if (type == "Sequence") {
    place.allow_keys({"type", "normalizers"});
    NormalizeSequence sequence;
    const JsonPlace steps = place.at("normalizers");
    if (!steps.value.is_array()) {
      steps.fail("expected a list");
    }
    for (std::size_t i = 0; i < steps.value.size(); ++i) {
      sequence.steps.push_back(read(steps.at(i)));
    }
    return {std::move(sequence)};
  }
  if (type == "Strip") {
    place.allow_keys({"type", "strip_left", "strip_right"});
    return {NormalizeStrip{place.boolean_at("strip_left", true), place.boolean_at("strip_right", true)}};
  }
  if (type == "Prepend") {
    place.allow_keys({"type", "prepend"});
    return {NormalizePrepend{place.string_at("prepend")}};
  }
  if (type == "Replace") {
    place.allow_keys({"type", "pattern", "content"});
    return {NormalizeReplace{Pattern(place.at("pattern")), place.string_at("content")}};
  }
  place.allow_keys({"type"});
  if (type == "NFC") return {NormalizeUnicode{NormalForm::kNfc}};
  if (type == "NFD") return {NormalizeUnicode{NormalForm::kNfd}};
  if (type == "NFKC") return {NormalizeUnicode{NormalForm::kNfkc}};
  if (type == "NFKD") return {NormalizeUnicode{NormalForm::kNfkd}};
  if (type == "Lowercase") return {NormalizeLowercase{}};
  place.fail("normalizer type \"" + type +
             "\" is not supported; known: NFC, NFD, NFKC, NFKD, Lowercase, Strip, Prepend, Replace, Sequence");
}

std::string Normalizer::apply(std::string text) const {
  struct Visitor {
    std::string text;
    std::string operator()(const NormalizeSequence& s) {
      for (const Normalizer& inner : s.steps) {
        text = inner.apply(std::move(text));
      }
      return std::move(text);
    }
    std::string operator()(const NormalizeUnicode& s) { return normalize_unicode(text, s.form); }
    std::string operator()(const NormalizeLowercase&) { return lowercase(text); }
    std::string operator()(const NormalizeStrip& s) { return strip(text, s.left, s.right); }
    std::string operator()(const NormalizePrepend& s) { return text.empty() ? std::string() : s.text + text; }
    std::string operator()(const NormalizeReplace& s) { return s.pattern.replace_all(text, s.content); }
  };
  return std::visit(Visitor{std::move(text)}, step);
}

bool Normalizer::is_identity() const {
  const auto* sequence = std::get_if<NormalizeSequence>(&step);
  if (sequence == nullptr) {
    return false;
  }
  for (const Normalizer& inner : sequence->steps) {
    if (!inner.is_identity()) {
      return false;
    }
  }
  return true;
}

}  // namespace grm
