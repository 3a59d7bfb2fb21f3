// What structure a rationale has (Mix-GRM, arXiv 2603.01571, appendices C to E): units of principle, judgment and sub-verdict,
// and the sentence that announces a solving pass. The thresholds are not printed there; ours are in indicate_mechanism.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/run/journal.h"

namespace grm {

/// One `### k. Principle of NAME: …` with its `Judgment:` and, if any, its `Sub-Verdict:`.
struct Unit {
  std::string_view text;         ///< from its heading to the next one (the last: to the final verdict)
  std::string_view name;         ///< of the principle, without brackets
  std::string_view judgment;
  std::optional<char> sub_verdict;  ///< 'A', 'B' or 'M' (mixed), from <A>, <<A>> or «A»
};

struct Structure {
  Mechanism mechanism = Mechanism::raw;
  bool trigger = false;  ///< the sentence that announces the solving pass occurs
  std::vector<Unit> units;  ///< views into the text
};

/// raw: no unit. depth: the trigger sentence occurs, or unit 1 holds a solving block and there are at most 3 units.
/// breadth: neither, and at least 4 units. Else unmatched.
Structure indicate_mechanism(std::string_view text);

/// How a rationale of this mechanism begins, to be forced on a judge: breadth, depth, raw; empty for auto.
/// UserError for any other name.
std::string forced_beginning(std::string_view mechanism);

}  // namespace grm
