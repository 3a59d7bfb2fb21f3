#include "harness/run/run_folder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "harness/error.h"

namespace grm {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockFile = ".lock";

/// Files that a run killed before its manifest was complete may have left: the lock, and what an atomic write began.
bool is_leftover(const fs::path& file) {
  const std::string name = file.filename().string();
  return name == kLockFile || name.ends_with(".tmp");
}

bool holds_a_run(const fs::path& folder) { return fs::exists(folder / kManifestFile); }

void refuse_other_folder(const fs::path& folder) {
  if (!fs::exists(folder) || holds_a_run(folder)) return;
  if (!fs::is_directory(folder)) throw UserError(fmt::format("{}: is not a folder; name another for --out", folder.string()));
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (is_leftover(entry.path())) continue;
    throw UserError(fmt::format("{}: the folder holds {} but no {}, so it is not a run; name an empty or new folder", folder.string(),
                                entry.path().filename().string(), kManifestFile));
  }
}

void remove_leftovers(const fs::path& folder) {
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool ours = name.starts_with(kManifestFile) || name.starts_with(kScoresFile);
    if (ours && name.ends_with(".tmp")) leftovers.push_back(entry.path());
  }
  for (const fs::path& leftover : leftovers) fs::remove(leftover);
}

std::string refusal(const fs::path& folder, const std::vector<std::string>& lines) {
  constexpr std::size_t kMost = 30;
  const std::size_t count = std::min(lines.size(), kMost);
  std::string text = fmt::format("{}: this run was made with other settings:\n  {}", folder.string(),
                                 fmt::join(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(count), "\n  "));
  if (lines.size() > kMost) text += fmt::format("\n  … and {} more", lines.size() - kMost);
  return text + "\nRepeat the first command to go on with it, or name another folder for --out";
}

}  // namespace

FileLock lock_run(const fs::path& path) {
  std::optional<FileLock> lock = FileLock::try_acquire(path / kLockFile);
  if (!lock) {
    throw UserError(fmt::format("{}: another process is using this run; wait for it, or name another folder", path.string()));
  }
  return std::move(*lock);
}

RunFolder::RunFolder(fs::path path, const Manifest& manifest) : path_(std::move(path)) {
  refuse_other_folder(path_);
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) throw Unfinished(fmt::format("{}: cannot create the folder: {}", path_.string(), error.message()));
  lock_ = lock_run(path_);
  refuse_other_folder(path_);  // again: only now does nobody else write into it
  remove_leftovers(path_);
  if (holds_a_run(path_)) {
    go_on(manifest);
  } else {
    create(manifest);
  }
  prompts_.emplace(path_ / kPromptsFile, warnings_);
  journal_.emplace(path_ / kJournalFile, warnings_);
}

void RunFolder::create(const Manifest& manifest) {
  manifest_ = manifest;
  manifest_.start = utc_now();
  write_manifest(path_ / kManifestFile, manifest_);
}

void RunFolder::go_on(const Manifest& manifest) {
  manifest_ = read_manifest(path_ / kManifestFile);
  if (const auto lines = differences(manifest_, manifest); !lines.empty()) throw UserError(refusal(path_, lines));
  resumed_ = true;
  manifest_.resumes.push_back(utc_now());
  write_manifest(path_ / kManifestFile, manifest_);
}

void RunFolder::finish(const Scores& scores, bool complete) {
  prompts_->sync();
  journal_->sync();
  write_scores(path_ / kScoresFile, scores);
  if (!complete || !manifest_.end.empty()) return;
  manifest_.end = utc_now();
  write_manifest(path_ / kManifestFile, manifest_);
}

RunContents read_run(const fs::path& path) {
  if (!fs::is_directory(path) || !holds_a_run(path)) {
    throw UserError(fmt::format("{}: no {} there, so it is not a run folder", path.string(), kManifestFile));
  }
  RunContents contents;
  contents.manifest = read_manifest(path / kManifestFile);
  JournalContents journal = read_journal(path / kJournalFile);
  contents.judgements = std::move(journal.judgements);
  if (journal.end.torn_bytes > 0) {
    contents.warnings.push_back(fmt::format("{}: the last line is torn or being written; it is left out", (path / kJournalFile).string()));
  }
  return contents;
}

}  // namespace grm
