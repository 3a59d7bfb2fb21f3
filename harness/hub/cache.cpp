#include "harness/hub/cache.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harness/error.h"
#include "harness/files/atomic_file.h"
#include "harness/files/hash.h"
#include "harness/hub/untrusted_json.h"

namespace grm {
namespace {

namespace fs = std::filesystem;

constexpr int kTreeFormatVersion = 1;
// The first line is what backup tools look for (bford.info/cachedir).
constexpr const char* kCacheTag =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This file is a cache directory tag: what lies here can be downloaded again.\n"
    "# For information about cache directory tags, see https://bford.info/cachedir/\n";

/// Absolute, without `.`, `..` or a slash at the end, so that what lies below can be named relative to it.
fs::path plain_folder(const fs::path& folder) {
  const fs::path plain = fs::absolute(folder).lexically_normal();
  return plain.has_filename() ? plain : plain.parent_path();
}

bool is_plain_file(const fs::path& path, std::uint64_t size) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) == size;
}

/// Every component of `relative` below `base` is a folder and no link, as far as it exists.
bool all_real_folders(const fs::path& base, const fs::path& relative) {
  fs::path folder = base;
  for (const auto& part : relative) {
    folder /= part;
    std::error_code error;
    const auto kind = fs::symlink_status(folder, error).type();
    if (kind == fs::file_type::not_found) return true;
    if (kind != fs::file_type::directory) return false;
  }
  return true;
}

bool write_link(const fs::path& target, const fs::path& link) {
  if (::symlink(target.c_str(), link.c_str()) == 0) return true;
  if (errno != EEXIST) return false;
  const fs::path fresh = unique_sibling(link, ".tmp");
  if (::symlink(target.c_str(), fresh.c_str()) != 0) return false;
  if (::rename(fresh.c_str(), link.c_str()) == 0) return true;
  const int reason = errno;
  ::unlink(fresh.c_str());
  errno = reason;
  return false;
}

nlohmann::json to_json(const RemoteFile& file) {
  nlohmann::json entry = {{"size", file.size}, {"blob_id", file.blob_id}};
  if (file.kind == HashKind::kSha256) {
    entry["lfs_sha256"] = file.hash;
    entry["lfs_size"] = file.size;
  }
  if (is_sha256(file.xet_hash)) entry["xet_hash"] = file.xet_hash;
  return entry;
}

std::optional<RemoteFile> tree_entry(const std::string& path, const nlohmann::json& entry) {
  RemoteFile file;
  file.path = path;
  const auto size = count_member(entry, "size");
  const auto blob_id = text_member(entry, "blob_id");
  if (!size || !blob_id || !is_commit_hash(*blob_id)) return std::nullopt;
  file.size = *size;
  file.blob_id = *blob_id;
  file.hash = *blob_id;
  if (const auto sha256 = text_member(entry, "lfs_sha256")) {
    if (!is_sha256(*sha256)) return std::nullopt;
    file.kind = HashKind::kSha256;
    file.hash = *sha256;
    file.size = count_member(entry, "lfs_size").value_or(*size);
  }
  file.xet_hash = text_member(entry, "xet_hash").value_or("");
  return file;
}

}  // namespace

bool has_content(const fs::path& path, const RemoteFile& file) {
  return (file.kind == HashKind::kSha256 ? sha256_file(path) : git_blob_sha1_file(path)) == file.hash;
}

RepoCache::RepoCache(const HubOptions& options, const RepoRef& repo)
    : cache_(plain_folder(options.cache)),
      root_(cache_ / cache_folder_name(repo)),
      copy_instead_of_links_(options.copy_instead_of_links) {}

fs::path RepoCache::lock_path(const std::string& hash) const { return cache_ / ".locks" / root_.filename() / (hash + ".lock"); }

void RepoCache::make_folders(const fs::path& folder) const {
  std::error_code error;
  fs::create_directories(cache_, error);
  if (error) {
    throw Unfinished(fmt::format("cannot make the cache folder {}: {}; set HF_HOME or HF_HUB_CACHE to a folder you may write",
                                 cache_.string(), error.message()));
  }
  const fs::path relative = folder.lexically_relative(cache_);
  fs::path path = cache_;
  for (const auto& part : relative) {
    path /= part;
    if (::mkdir(path.c_str(), 0777) == 0) continue;
    const int reason = errno;
    const auto kind = fs::symlink_status(path, error).type();
    if (kind == fs::file_type::directory) continue;
    if (reason != EEXIST) throw Unfinished(fmt::format("cannot make {}: {}", path.string(), std::strerror(reason)));
    throw Unfinished(
        fmt::format("{} is {} where the cache has a folder: nothing is written through it; remove it, or set "
                    "HF_HUB_CACHE to another folder",
                    path.string(), kind == fs::file_type::symlink ? "a link" : "a file"));
  }
}

void RepoCache::prepare(const std::string& commit) const {
  make_folders(root_ / "blobs");
  make_folders(snapshot(commit));
  make_folders(lock_path("x").parent_path());
  const fs::path tag = cache_ / "CACHEDIR.TAG";
  std::error_code error;
  if (!fs::exists(fs::symlink_status(tag, error))) write_file_atomically(tag, kCacheTag);
}

bool RepoCache::is_inside_cache(const fs::path& path) const {
  std::error_code error;
  const fs::path base = fs::canonical(cache_, error);
  if (error) return false;
  const fs::path real = fs::canonical(path, error);
  if (error) return false;
  const auto [end_of_base, ignored] = std::mismatch(base.begin(), base.end(), real.begin(), real.end());
  return end_of_base == base.end();
}

bool RepoCache::has(const std::string& commit, const RemoteFile& file, bool check_hash) const {
  const fs::path path = pointer(commit, file);
  if (!all_real_folders(cache_, path.parent_path().lexically_relative(cache_))) return false;
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return false;
  if (S_ISREG(status.st_mode)) return is_plain_file(path, file.size) && has_content(path, file);  // no name to tell its hash
  if (!S_ISLNK(status.st_mode) || !is_inside_cache(path)) return false;
  std::error_code error;
  if (!fs::equivalent(path, blob(file.hash), error) || error) return false;
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) != file.size || error) return false;
  return !check_hash || has_content(path, file);
}

bool RepoCache::has_blob(const RemoteFile& file) const {
  const fs::path path = blob(file.hash);
  std::error_code error;
  if (!is_inside_cache(path) || !fs::is_regular_file(path, error) || fs::file_size(path, error) != file.size || error)
    return false;
  return has_content(path, file);
}

void RepoCache::link(const std::string& commit, const RemoteFile& file) const {
  const fs::path path = pointer(commit, file);
  make_folders(path.parent_path());
  const fs::path target = blob(file.hash).lexically_relative(path.parent_path());
  if (!copy_instead_of_links_ && write_link(target, path)) return;
  const bool links_fail = copy_instead_of_links_ || errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS;
  if (!links_fail) throw Unfinished(fmt::format("cannot write {}: {}", path.string(), std::strerror(errno)));
  const fs::path fresh = unique_sibling(path, ".tmp");
  std::error_code error;
  fs::copy_file(blob(file.hash), fresh, error);
  if (!error) fs::rename(fresh, path, error);
  if (error) {
    std::error_code ignored;
    fs::remove(fresh, ignored);
    throw Unfinished(fmt::format("cannot write {}: {}", path.string(), error.message()));
  }
}

std::optional<std::string> RepoCache::read_ref(const std::string& revision) const {
  const fs::path path = root_ / "refs" / revision;
  std::error_code error;
  if (!all_real_folders(cache_, path.parent_path().lexically_relative(cache_))) return std::nullopt;
  if (fs::symlink_status(path, error).type() != fs::file_type::regular) return std::nullopt;
  const std::string commit = read_file(path, 4096).substr(0, 40);
  return is_commit_hash(commit) ? std::optional(commit) : std::nullopt;
}

void RepoCache::write_ref(const std::string& revision, const std::string& commit) const {
  if (revision == commit) return;
  const fs::path path = root_ / "refs" / revision;
  make_folders(path.parent_path());
  if (read_ref(revision) != commit) write_file_atomically(path, commit);
}

std::optional<std::vector<RemoteFile>> RepoCache::read_tree(const std::string& commit) const {
  const fs::path path = root_ / "trees" / (commit + ".json");
  std::error_code error;
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) > (std::uintmax_t{256} << 20U)) return std::nullopt;
  const auto tree = parse_untrusted_json(read_file(path));
  if (!tree || !tree->is_object() || count_member(*tree, "format_version") != kTreeFormatVersion) return std::nullopt;
  const auto entries = tree->find("files");
  if (entries == tree->end() || !entries->is_object()) return std::nullopt;
  std::vector<RemoteFile> files;
  for (const auto& [name, entry] : entries->items()) {
    auto file = tree_entry(name, entry);
    if (!file) return std::nullopt;
    check_server_path(file->path);
    files.push_back(std::move(*file));
  }
  return files;
}

void RepoCache::write_tree(const std::string& commit, const std::vector<RemoteFile>& files) const {
  nlohmann::json entries = nlohmann::json::object();
  for (const auto& file : files) entries[file.path] = to_json(file);
  make_folders(root_ / "trees");
  const nlohmann::json tree = {{"format_version", kTreeFormatVersion}, {"files", std::move(entries)}};
  write_file_atomically(root_ / "trees" / (commit + ".json"), tree.dump(1));
}

void RepoCache::write_no_exist(const std::string& commit, const std::string& path) const {
  const fs::path mark = root_ / ".no_exist" / commit / path;
  make_folders(mark.parent_path());
  std::error_code error;
  if (!fs::exists(fs::symlink_status(mark, error))) write_file_atomically(mark, "");
}

std::vector<RemoteFile> RepoCache::walk_snapshot(const std::string& commit) const {
  std::vector<RemoteFile> files;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(snapshot(commit), error), end; !error && entry != end; entry.increment(error)) {
    if (!entry->is_symlink(error) || !fs::is_regular_file(entry->path(), error)) continue;
    RemoteFile file;
    file.path = entry->path().lexically_relative(snapshot(commit)).generic_string();
    file.hash = fs::read_symlink(entry->path(), error).filename().string();
    file.kind = is_sha256(file.hash) ? HashKind::kSha256 : HashKind::kGitSha1;
    if (!is_sha256(file.hash) && !is_commit_hash(file.hash)) continue;
    file.blob_id = file.hash;
    file.size = fs::file_size(entry->path(), error);
    files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end(), [](const RemoteFile& a, const RemoteFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace grm
