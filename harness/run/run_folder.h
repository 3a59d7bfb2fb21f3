// A run is a folder, and the folder is its identity: the same command goes on with it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/files/file_lock.h"
#include "harness/run/journal.h"
#include "harness/run/manifest.h"
#include "harness/run/scores.h"

namespace grm {

/// Names inside a run folder.
inline constexpr const char* kManifestFile = "manifest.json";
inline constexpr const char* kJournalFile = "journal.jsonl";
inline constexpr const char* kPromptsFile = "prompts.jsonl";
inline constexpr const char* kScoresFile = "scores.json";

class RunFolder {
 public:
  /// Creates the folder, or goes on with the run in it. `manifest` is this invocation's, without start and end.
  /// Throws UserError when the folder holds something else, the run was made with other settings (all differences in the
  /// message), or another process uses it; Unfinished when the disk does not take it.
  RunFolder(std::filesystem::path path, const Manifest& manifest);

  const std::filesystem::path& path() const { return path_; }
  bool resumed() const { return resumed_; }
  /// What the user should be told: torn lines dropped.
  const std::vector<std::string>& warnings() const { return warnings_; }
  /// Of the whole run: start from its first invocation.
  const Manifest& manifest() const { return manifest_; }
  Journal& journal() { return *journal_; }
  PromptStore& prompts() { return *prompts_; }

  /// Forces journal and prompts to the disk, writes the scores and, where all is done, the end into the manifest. The
  /// record of a finished run keeps its first end.
  void finish(const Scores& scores, bool complete);

 private:
  void create(const Manifest& manifest);
  void go_on(const Manifest& manifest);

  std::filesystem::path path_;
  std::optional<FileLock> lock_;
  Manifest manifest_;
  bool resumed_ = false;
  std::vector<std::string> warnings_;
  std::optional<PromptStore> prompts_;
  std::optional<Journal> journal_;
};

/// A run that is only read (rescore, reports), also while it is running.
struct RunContents {
  Manifest manifest;
  Judgements judgements;
  std::vector<std::string> warnings;
};
/// Throws UserError when the folder is no run.
RunContents read_run(const std::filesystem::path& path);

/// The folder's lock, for a command that writes into an existing run (rescore). Throws UserError when it is in use.
FileLock lock_run(const std::filesystem::path& path);

}  // namespace grm
