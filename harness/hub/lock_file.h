// Lock files: which files of which commits, each with size and hash, so that others get exactly the same.
#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <vector>

#include "harness/hub/hub.h"

namespace grm {

/// {"repository", "type", "revision", "commit", "files": [{"path", "size", "hash", "hash_kind": "sha256" | "git-sha1"}]}
nlohmann::ordered_json snapshot_to_json(const Snapshot& snapshot);
std::string hash_kind_name(HashKind kind);

/// {"schema": "grm.lock", "version": 1, "repositories": […]}, the same bytes for the same snapshots. Throws Unfinished.
void write_lock_file(const std::filesystem::path& path, const std::vector<Snapshot>& snapshots);
/// The snapshots without their folders. Throws UserError when the file is no lock file, or of a newer version, or names paths
/// that would leave the snapshot.
std::vector<Snapshot> read_lock_file(const std::filesystem::path& path);

}  // namespace grm
