// The verdict at the end of a rationale. Nothing is guessed: what is not well-formed is no verdict.
#pragma once

#include <optional>
#include <string_view>

namespace grm {

struct PairVerdict {
  std::optional<char> verdict;  ///< 'A' or 'B' as shown: the last `[[A]]` or `[[B]]` of the text
  int distinct = 0;             ///< how many different well-formed verdicts the text holds: 0, 1 or 2
};

PairVerdict parse_pair_verdict(std::string_view text);

}  // namespace grm
