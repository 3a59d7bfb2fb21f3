#include "harness/hub/lock_file.h"

#include <fmt/format.h>

#include <set>

#include "harness/error.h"
#include "harness/files/atomic_file.h"
#include "harness/hub/shown_text.h"
#include "harness/hub/untrusted_json.h"

namespace grm {
namespace {

constexpr const char* kSchema = "grm.lock";
constexpr std::uint64_t kVersion = 1;

[[noreturn]] void throw_malformed(const std::filesystem::path& path, const std::string& fault) {
  throw UserError(
      fmt::format("{} is no usable lock file: {}; write one with grm fetch ID --write-lock FILE", path.string(), fault));
}

SnapshotFile file_from(const nlohmann::json& entry, const std::filesystem::path& lock_file) {
  const auto path = text_member(entry, "path");
  const auto size = count_member(entry, "size");
  const auto hash = text_member(entry, "hash");
  const auto kind = text_member(entry, "hash_kind");
  if (!path || !size || !hash || !kind) throw_malformed(lock_file, "a file without path, size, hash or hash_kind");
  if (!is_safe_path(*path)) throw_malformed(lock_file, fmt::format("the path '{}' is refused", shown_text(*path)));
  const bool sha256 = *kind == hash_kind_name(HashKind::kSha256);
  if (!sha256 && *kind != hash_kind_name(HashKind::kGitSha1)) {
    throw_malformed(lock_file, fmt::format("hash_kind '{}' of '{}'", shown_text(*kind), shown_text(*path)));
  }
  if (!(sha256 ? is_sha256(*hash) : is_commit_hash(*hash)))
    throw_malformed(lock_file, fmt::format("the hash of '{}'", shown_text(*path)));
  return {*path, *size, *hash, sha256 ? HashKind::kSha256 : HashKind::kGitSha1};
}

Snapshot snapshot_from(const nlohmann::json& entry, const std::filesystem::path& lock_file) {
  const auto id = text_member(entry, "repository");
  const auto type = text_member(entry, "type");
  const auto commit = text_member(entry, "commit");
  if (!id || !type || !commit || !is_commit_hash(*commit)) {
    throw_malformed(lock_file, "a repository without repository, type or a commit of 40 hex digits");
  }
  Snapshot snapshot;
  snapshot.repository = RepoRef{repo_type_from_name(*type), *id, text_member(entry, "revision").value_or(*commit)};
  check_repo_id(snapshot.repository.id);
  check_revision(snapshot.repository.revision);
  snapshot.commit = *commit;
  const auto files = entry.find("files");
  if (files == entry.end() || !files->is_array()) throw_malformed(lock_file, "a repository without files");
  std::set<std::string> paths;
  for (const auto& file : *files) {
    snapshot.files.push_back(file_from(file, lock_file));
    if (!paths.insert(snapshot.files.back().path).second) throw_malformed(lock_file, "a path named twice");
  }
  return snapshot;
}

}  // namespace

std::string hash_kind_name(HashKind kind) { return kind == HashKind::kSha256 ? "sha256" : "git-sha1"; }

nlohmann::ordered_json snapshot_to_json(const Snapshot& snapshot) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const auto& file : snapshot.files) {
    files.push_back({{"path", file.path}, {"size", file.size}, {"hash", file.hash}, {"hash_kind", hash_kind_name(file.kind)}});
  }
  return {{"repository", snapshot.repository.id},
          {"type", repo_type_name(snapshot.repository.type)},
          {"revision", snapshot.repository.revision},
          {"commit", snapshot.commit},
          {"files", std::move(files)}};
}

void write_lock_file(const std::filesystem::path& path, const std::vector<Snapshot>& snapshots) {
  nlohmann::ordered_json repositories = nlohmann::ordered_json::array();
  for (const auto& snapshot : snapshots) repositories.push_back(snapshot_to_json(snapshot));
  const nlohmann::ordered_json lock = {{"schema", kSchema}, {"version", kVersion}, {"repositories", std::move(repositories)}};
  write_file_atomically(path, lock.dump(2) + "\n");
}

std::vector<Snapshot> read_lock_file(const std::filesystem::path& path) {
  const auto lock = parse_untrusted_json(read_file(path, std::uint64_t{256} << 20U));
  if (!lock || !lock->is_object() || text_member(*lock, "schema") != kSchema)
    throw_malformed(path, "not JSON with schema grm.lock");
  const auto version = count_member(*lock, "version");
  if (!version || *version == 0) throw_malformed(path, "no version");
  if (*version > kVersion) {
    throw UserError(fmt::format("{} has version {} of its schema, this program reads up to {}: use a newer program",
                                path.string(), *version, kVersion));
  }
  const auto repositories = lock->find("repositories");
  if (repositories == lock->end() || !repositories->is_array() || repositories->empty()) throw_malformed(path, "no repositories");
  std::vector<Snapshot> snapshots;
  for (const auto& entry : *repositories) snapshots.push_back(snapshot_from(entry, path));
  return snapshots;
}

}  // namespace grm
