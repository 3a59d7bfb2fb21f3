// The cache on disk, in the layout that huggingface_hub documents ("Hub Local Cache"), one repository of it.
//   models--org--name/blobs/<hash>                 the content, named by its sha256 or git hash
//   models--org--name/snapshots/<commit>/<path>    relative link to the blob
//   models--org--name/refs/<revision>              the commit, no newline
//   models--org--name/.no_exist/<commit>/<path>    empty: known to be absent
//   models--org--name/trees/<commit>.json          the file list
//   .locks/models--org--name/<hash>.lock           held while a blob is written
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/hub/options.h"
#include "harness/hub/remote_file.h"
#include "harness/hub/repo_ref.h"

namespace grm {

class RepoCache {
 public:
  RepoCache(const HubOptions& options, const RepoRef& repo);

  std::filesystem::path snapshot(const std::string& commit) const { return root_ / "snapshots" / commit; }
  std::filesystem::path pointer(const std::string& commit, const RemoteFile& file) const { return snapshot(commit) / file.path; }
  std::filesystem::path blob(const std::string& hash) const { return root_ / "blobs" / hash; }
  std::filesystem::path lock_path(const std::string& hash) const;

  /// Makes the folders and CACHEDIR.TAG. Throws Unfinished when a folder cannot be made, or is a link or a file: nothing is ever
  /// written through a link inside the cache.
  void prepare(const std::string& commit) const;
  /// The snapshot has the file, with the right size, inside the cache; with `check_hash` also with the right content.
  bool has(const std::string& commit, const RemoteFile& file, bool check_hash) const;
  /// A blob of the right size and content lies there, without a link to it perhaps.
  bool has_blob(const RemoteFile& file) const;
  /// Lets the snapshot's path point to the blob, replacing what was there; a copy where links do not work.
  void link(const std::string& commit, const RemoteFile& file) const;

  std::optional<std::string> read_ref(const std::string& revision) const;
  void write_ref(const std::string& revision, const std::string& commit) const;
  std::optional<std::vector<RemoteFile>> read_tree(const std::string& commit) const;
  void write_tree(const std::string& commit, const std::vector<RemoteFile>& files) const;
  void write_no_exist(const std::string& commit, const std::string& path) const;
  /// The files of a snapshot that has no tree file, as far as their hashes can be told from the links.
  std::vector<RemoteFile> walk_snapshot(const std::string& commit) const;

 private:
  void make_folders(const std::filesystem::path& folder) const;
  bool is_inside_cache(const std::filesystem::path& path) const;

  std::filesystem::path cache_;
  std::filesystem::path root_;
  bool copy_instead_of_links_;
};

/// The file's content has this hash.
bool has_content(const std::filesystem::path& path, const RemoteFile& file);

}  // namespace grm
