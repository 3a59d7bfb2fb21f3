#include "harness/hub/repo_ref.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/error.h"
#include "harness/hub/shown_text.h"
#include "harness/http/url.h"

namespace grm {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_lower_hex(std::string_view text, std::size_t length) {
  return text.size() == length &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_id_part(std::string_view part) {
  if (part.empty() || part.front() == '-' || part.front() == '.' || part.back() == '-' || part.back() == '.') return false;
  return std::all_of(part.begin(), part.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// Why the path may not be used, or nothing.
std::string_view fault_of_path(const std::string& path) {
  if (path.empty()) return "it is empty";
  if (path.size() > 1024) return "it is longer than 1024 bytes";
  if (path.find('\\') != std::string::npos) return "it holds a backslash";
  if (std::any_of(path.begin(), path.end(), is_control)) return "it holds a control character";
  if (path.front() == '/') return "it is absolute";
  if (path.size() >= 2 && is_letter(path[0]) && path[1] == ':') return "it begins with a drive letter";
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = std::string_view(path).substr(begin, end - begin);
    if (part.empty()) return "it has an empty component";
    if (part == "." || part == "..") return "it has a component . or ..";
    if (part.size() > 255) return "it has a component of more than 255 bytes";
    begin = end + 1;
  }
  return {};
}

}  // namespace

void check_repo_id(const std::string& id) {
  const auto slash = id.find('/');
  const std::string_view text = id;
  const bool parts_fine =
      slash == std::string::npos ? is_id_part(text) : is_id_part(text.substr(0, slash)) && is_id_part(text.substr(slash + 1));
  const bool ends_in_git = id.size() >= 4 && id.substr(id.size() - 4) == ".git";
  if (!parts_fine || id.size() > 96 || ends_in_git || id.find("--") != std::string::npos || id.find("..") != std::string::npos) {
    throw UserError(
        fmt::format("'{}' is no Hub repository id: expected NAME or ORGANISATION/NAME of letters, digits and ._-, "
                    "at most 96 characters, without -- or .. and not ending in .git",
                    shown_text(id)));
  }
}

void check_revision(const std::string& revision) {
  const bool bad_end = revision.size() >= 5 && revision.substr(revision.size() - 5) == ".lock";
  const bool bad_character = revision.find_first_of(" ~^:?*[") != std::string::npos;
  if (!fault_of_path(revision).empty() || bad_end || bad_character || revision.find("..") != std::string::npos ||
      revision.front() == '-') {
    throw UserError(fmt::format("'{}' is no revision: expected a branch, a tag or a commit", shown_text(revision)));
  }
}

RepoRef parse_repo_spec(std::string_view spec, RepoType type) {
  RepoRef repo;
  repo.type = type;
  const auto at = spec.find('@');
  repo.id = std::string(spec.substr(0, at));
  check_repo_id(repo.id);
  if (at != std::string_view::npos) {
    repo.revision = std::string(spec.substr(at + 1));
    check_revision(repo.revision);
  }
  return repo;
}

bool is_commit_hash(std::string_view text) { return is_lower_hex(text, 40); }
bool is_sha256(std::string_view text) { return is_lower_hex(text, 64); }

std::string repo_type_name(RepoType type) { return type == RepoType::kModel ? "model" : "dataset"; }

RepoType repo_type_from_name(std::string_view name) {
  if (name == "model") return RepoType::kModel;
  if (name == "dataset") return RepoType::kDataset;
  throw UserError(fmt::format("repository type '{}': expected model or dataset", shown_text(name)));
}

std::string cache_folder_name(const RepoRef& repo) {
  std::string name = repo.id;
  const auto slash = name.find('/');
  if (slash != std::string::npos) name.replace(slash, 1, "--");
  return repo_type_name(repo.type) + "s--" + name;
}

std::string api_path(const RepoRef& repo) {
  return fmt::format("/api/{}s/{}", repo_type_name(repo.type), percent_encode(repo.id, "/"));
}

std::string resolve_path(const RepoRef& repo, std::string_view revision, std::string_view path) {
  return fmt::format("/{}{}/resolve/{}/{}", repo.type == RepoType::kDataset ? "datasets/" : "", percent_encode(repo.id, "/"),
                     percent_encode(revision), percent_encode(path, "/"));
}

bool is_safe_path(const std::string& path) { return fault_of_path(path).empty(); }

void check_server_path(const std::string& path) {
  const std::string_view fault = fault_of_path(path);
  if (!fault.empty()) {
    throw Unfinished(fmt::format("the server lists a file named '{}', which is refused: {}; nothing was written for it",
                                 shown_text(path), fault));
  }
}

}  // namespace grm
