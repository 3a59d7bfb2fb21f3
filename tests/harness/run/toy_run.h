#pragma once

#include <fmt/format.h>

#include <string>

#include "harness/run/run_folder.h"
#include "tests/harness/run/example_judgement.h"

namespace grm {

inline Manifest toy_manifest(int count) {
  Manifest manifest;
  manifest.requested = {{"suite", "toy"}};
  manifest.effective = {{"suite", "toy"}, {"count", count}, {"temperature", 0.7}};
  manifest.seeds = seeds_from(1);
  manifest.artifacts = {{"judge", "org/model", std::string(40, 'c'), {{"model.safetensors", std::string(64, 'd')}}}};
  manifest.program = build_info();
  manifest.machine = {.cpu = "a CPU", .gpu = "", .driver = "", .threads = 2, .libtorch = "", .capability = ""};
  return manifest;
}

/// Some records are larger than a page, so that a kill can fall into their write.
inline Judgement toy_judgement(int i, const std::string& prompt_hash) {
  Judgement j = example_judgement(i);
  if (i % 5 == 0) j.text += std::string(200000, 'y');
  j.prompt_hash = prompt_hash;
  return j;
}

inline void judge_toy_run(RunFolder& run, int count) {
  for (int i = 0; i < count; ++i) {
    if (run.journal().is_done(key_of(example_judgement(i)))) continue;
    const std::string hash = run.prompts().add(fmt::format("prompt {}", i / 2));
    run.journal().append(toy_judgement(i, hash));
  }
  Scores scores{.valid = true, .reasons = {}, .rows = {}};
  scores.rows.push_back({"toy", "overall", "pooled", "accuracy", count, 0.5, 0.4, 0.6, 0, 0});
  run.finish(scores, true);
}

}  // namespace grm
