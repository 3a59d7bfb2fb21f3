#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "harness/run/run_folder.h"
#include "suites/commands.h"
#include "suites/run_scores.h"

namespace grm {

namespace {

int run_rescore(const std::filesystem::path& path) {
  read_manifest(path / kManifestFile);  // before the lock: not even that is left in a folder that is no run
  const FileLock lock = lock_run(path);
  const RunContents run = read_run(path);
  for (const std::string& warning : run.warnings) fmt::print(stderr, "grm: {}\n", warning);
  const Scores scores = score_run(run.manifest, run.judgements);
  write_scores(path / kScoresFile, scores);
  fmt::print("{}", score_table(scores));
  return kDone;
}

}  // namespace

void add_rescore_command(Program& program) {
  auto path = std::make_shared<std::filesystem::path>();
  CLI::App* command = add_command(program, "rescore", "Score a run again from its journal, without a model",
                                  "grm rescore runs/smollm2", [path] { return run_rescore(*path); });
  command->add_option("RUN", *path, "Run folder")->required();
}

}  // namespace grm
