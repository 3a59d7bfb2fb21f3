// The scores of a whole run: rows, trivial baselines, VALID or INVALID. From manifest and journal alone.
#pragma once

#include <nlohmann/json.hpp>

#include "harness/run/manifest.h"
#include "harness/run/scores.h"
#include "harness/run/validity.h"
#include "suites/benchmarks/item.h"
#include "suites/records.h"

namespace grm {

/// What the manifest keeps of a suite: how much was planned, how its data depart from the published ones, and what the
/// trivial baselines reach on the same items in the same orders.
nlohmann::json suite_settings(const Suite& suite, const Presenting& presenting);

/// Scores a run. UserError where the manifest lacks what scoring needs.
Scores score_run(const Manifest& manifest, const Judgements& judgements);

/// The rows as a table, then VALID or INVALID with the reasons.
std::string score_table(const Scores& scores);

}  // namespace grm
