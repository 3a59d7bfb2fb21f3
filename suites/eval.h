// grm eval: items, prompts, judge, verdicts, journal, scores.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "suites/judge/judge.h"

namespace grm {

struct EvalOptions {
  std::string judge;
  std::string suite;  ///< names, separated by commas
  std::filesystem::path data;  ///< empty: from the Hub
  std::filesystem::path out;
  std::int64_t limit = 0;  ///< 0: all
  std::string order = "both";
  int samples = 1;
  std::string mechanism = "auto";
  std::filesystem::path prompt;  ///< empty: the one compiled in
  std::uint64_t seed = 0;
  bool strict = false;
  JudgeOptions judging;
};

/// Runs or goes on with the run in options.out, prints its scores and returns the exit code.
int run_eval(const EvalOptions& options);

}  // namespace grm
