// The one file that includes oniguruma.h: it clashes with glibc's <regex.h> and with ICU.
#include "model/text/regex.h"

#define ONIG_ESCAPE_UCHAR_COLLISION
#include <oniguruma.h>

#include <mutex>

#include "model/error.h"

namespace grm {
namespace {

constexpr unsigned long kRetriesPerMatch = 200'000;  // an ordinary pattern needs few more than the match is long
constexpr unsigned kMatchStackEntries = 4'000'000;

void initialize_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    onig_initialize(encodings, 1);
    onig_set_parse_depth_limit(256);
  });
}

std::string error_text(int code, OnigErrorInfo* info) {
  OnigUChar buffer[ONIG_MAX_ERROR_MESSAGE_LEN];
  const int length = info != nullptr ? onig_error_code_to_str(buffer, code, info) : onig_error_code_to_str(buffer, code);
  return {reinterpret_cast<const char*>(buffer), static_cast<std::size_t>(length)};
}

struct RegionDeleter {
  void operator()(OnigRegion* region) const { onig_region_free(region, 1); }
};
struct MatchParamDeleter {
  void operator()(OnigMatchParam* param) const { onig_free_match_param(param); }
};

std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto c = static_cast<unsigned char>(text[at]);
  return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

}  // namespace

struct Regex::Compiled {
  OnigRegex regex = nullptr;
  std::string where;

  Compiled(const std::string& pattern, std::string place) : where(std::move(place)) {
    initialize_once();
    const auto* begin = reinterpret_cast<const OnigUChar*>(pattern.data());
    OnigErrorInfo info;
    const int code =
        onig_new(&regex, begin, begin + pattern.size(), ONIG_OPTION_NONE, ONIG_ENCODING_UTF8, ONIG_SYNTAX_RUBY, &info);
    if (code != ONIG_NORMAL) {
      throw ModelError(where + ": bad regular expression: " + error_text(code, &info));
    }
  }
  ~Compiled() { onig_free(regex); }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
};

Regex::Regex(const std::string& pattern, std::string where) : compiled_(std::make_unique<Compiled>(pattern, std::move(where))) {}
Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

void Regex::split(std::string_view text, std::vector<Span>& out) const {
  out.clear();
  const std::unique_ptr<OnigRegion, RegionDeleter> region(onig_region_new());
  const std::unique_ptr<OnigMatchParam, MatchParamDeleter> param(onig_new_match_param());
  onig_initialize_match_param(param.get());
  onig_set_match_stack_limit_size_of_match_param(param.get(), kMatchStackEntries);
  // Proportional to the text, so that one long run of spaces passes and exponential backtracking does not.
  const unsigned long retries = kRetriesPerMatch + 16UL * text.size();
  onig_set_retry_limit_in_match_of_match_param(param.get(), retries);
  onig_set_retry_limit_in_search_of_match_param(param.get(), retries);

  const auto* base = reinterpret_cast<const OnigUChar*>(text.data());
  const auto* end = base + text.size();
  std::size_t from = 0;
  std::size_t done = 0;
  bool matched_before = false;
  while (from <= text.size()) {
    const int at =
        onig_search_with_param(compiled_->regex, base, end, base + from, end, region.get(), ONIG_OPTION_NONE, param.get());
    if (at == ONIG_MISMATCH) {
      break;
    }
    if (at < 0) {
      throw ModelError(compiled_->where + ": the regular expression cannot be run on this text: " +
                       error_text(at, nullptr) + "; the pattern backtracks too much or is malicious");
    }
    const auto begin = static_cast<std::size_t>(region->beg[0]);
    const auto stop = static_cast<std::size_t>(region->end[0]);
    if (begin == stop && matched_before && stop == done) {
      from += from < text.size() ? utf8_length(text, from) : 1;
      continue;
    }
    if (begin < done || stop < begin) {
      throw ModelError(compiled_->where + ": the regular expression gives matches that overlap");
    }
    if (begin > done) {
      out.push_back({done, begin, false});
    }
    out.push_back({begin, stop, true});
    matched_before = true;
    from = done = stop;
  }
  if (done < text.size()) {
    out.push_back({done, text.size(), false});
  }
}

}  // namespace grm
