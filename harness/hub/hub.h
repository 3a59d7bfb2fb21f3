// The Hub for the rest of the program: a repository at a revision becomes a folder of verified files.
#pragma once

#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "harness/hub/options.h"
#include "harness/hub/remote_file.h"
#include "harness/hub/repo_ref.h"

namespace grm {

struct SnapshotFile {
  std::string path;
  std::uint64_t size = 0;
  std::string hash;  // lower-case hex, of the kind below
  HashKind kind = HashKind::kGitSha1;
};

struct Snapshot {
  std::filesystem::path folder;
  RepoRef repository;  // the revision as it was asked for
  std::string commit;
  std::vector<SnapshotFile> files;  // those asked for, by path
};

struct FetchOptions {
  HubOptions hub;
  std::vector<std::string> includes;  // patterns as in fnmatch, `*` matches `/` too; empty: all files
  std::vector<std::string> excludes;  // win over includes
  std::FILE* talk = stderr;           // progress and notes; null: silent
  std::function<bool()> stop;         // asked often, from several threads; true ends the work (Unfinished)
  bool check_cached = false;          // hash what is already in the cache too, and fetch again what is damaged
};

/// With `hub` from the environment.
FetchOptions fetch_options_from_environment();

/// Resolves the revision, downloads what the cache lacks, verifies size and hash of everything downloaded. No network is needed
/// for a commit whose files are all there, and none is used when `hub.offline`. Throws UserError (not found, gated, malformed,
/// offline and absent) or Unfinished (network, rate limit, disk full, wrong hash).
Snapshot fetch_snapshot(const RepoRef& repo, const FetchOptions& options);

/// Each model and data set of a collection, at its main revision.
std::vector<Snapshot> fetch_collection(const std::string& slug, const FetchOptions& options);

/// Exactly the files of `locked` at its commit, each with its size and hash, cached ones hashed too. Throws when the server
/// offers anything else.
Snapshot restore_snapshot(const Snapshot& locked, const FetchOptions& options);

/// Sets includes and excludes so that a model comes with what it takes to run it and no more: safetensors, configuration,
/// tokenizer and templates; not the same weights in other formats, nor those of sub-folders (training checkpoints, other
/// precisions).
void take_only_runnable_model(FetchOptions& options);

}  // namespace grm
