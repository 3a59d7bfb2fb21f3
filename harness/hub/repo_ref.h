// Which repository at which revision, and how it is named in URLs and in the cache.
#pragma once

#include <string>
#include <string_view>

namespace grm {

enum class RepoType { kModel, kDataset };

struct RepoRef {
  RepoType type = RepoType::kModel;
  std::string id;                 // `name` or `organisation/name`
  std::string revision = "main";  // branch, tag or commit
};

/// `ID` or `ID@REVISION`. Throws UserError when the id or the revision is malformed.
RepoRef parse_repo_spec(std::string_view spec, RepoType type = RepoType::kModel);
/// The Hub's rules for ids: at most 96 characters of `[A-Za-z0-9._-]`, one `/` at most, no `--` or `..`, no `.git` at the end,
/// no part that begins or ends with `-` or `.`.
void check_repo_id(const std::string& id);
/// Git's rules, as far as they keep a revision a safe path below refs/.
void check_revision(const std::string& revision);

bool is_commit_hash(std::string_view text);  // 40 lower-case hex digits
bool is_sha256(std::string_view text);       // 64 lower-case hex digits

std::string repo_type_name(RepoType type);            // "model", "dataset"
RepoType repo_type_from_name(std::string_view name);  // throws UserError
std::string cache_folder_name(const RepoRef& repo);   // "models--org--name"
std::string api_path(const RepoRef& repo);            // "/api/models/org/name"
/// "/org/name/resolve/REVISION/PATH", everything quoted.
std::string resolve_path(const RepoRef& repo, std::string_view revision, std::string_view path);

/// Throws Unfinished unless `path`, which a server sent, is a plain relative path: no empty, `.` or `..` component, not
/// absolute, no backslash, drive letter or control character, no component above 255 bytes.
void check_server_path(const std::string& path);
bool is_safe_path(const std::string& path);  // the same question, answered

}  // namespace grm
