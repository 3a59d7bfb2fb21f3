#include "suites/judge/verdict.h"

namespace grm {

PairVerdict parse_pair_verdict(std::string_view text) {
  const std::size_t a = text.rfind("[[A]]");
  const std::size_t b = text.rfind("[[B]]");
  PairVerdict result;
  result.distinct = (a != std::string_view::npos) + (b != std::string_view::npos);
  if (result.distinct == 2) result.verdict = a > b ? 'A' : 'B';
  if (result.distinct == 1) result.verdict = a != std::string_view::npos ? 'A' : 'B';
  return result;
}

}  // namespace grm
