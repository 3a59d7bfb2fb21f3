#include "harness/hub/listing.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "harness/error.h"
#include "harness/hub/shown_text.h"
#include "harness/hub/untrusted_json.h"

namespace grm {
namespace {

std::string label(const RepoRef& repo) {
  return fmt::format("{} {}", repo.type == RepoType::kDataset ? "data set" : "model", repo.id);
}

[[noreturn]] void throw_malformed(const HubConnection& hub, const std::string& what, const std::string& fault) {
  throw Unfinished(hub.redact(fmt::format("{}: the answer of {} is not what the Hub sends: {}; check HF_ENDPOINT", what,
                                          hub.options().endpoint.host, fault)));
}

nlohmann::json get_json(HubConnection& hub, const Url& url, const Asked& asked, std::string* link = nullptr) {
  const HttpResponse response = hub.get_metadata(url, asked);
  auto value = parse_untrusted_json(response.body);
  if (!value) throw_malformed(hub, asked.what, "malformed JSON");
  if (link != nullptr) *link = response.header("Link").value_or("");
  return std::move(*value);
}

/// The address with rel="next" in a Link header, or nothing.
std::string next_of(const std::string& link) {
  std::size_t at = 0;
  while ((at = link.find('<', at)) != std::string::npos) {
    const std::size_t end = link.find('>', at);
    if (end == std::string::npos) break;
    const std::size_t next_entry = std::min(link.find('<', end), link.size());
    const std::string parameters = link.substr(end, next_entry - end);
    if (parameters.find("rel=\"next\"") != std::string::npos || parameters.find("rel=next") != std::string::npos) {
      return link.substr(at + 1, end - at - 1);
    }
    at = next_entry;
  }
  return {};
}

RemoteFile file_from(const HubConnection& hub, const nlohmann::json& entry, const std::string& what) {
  RemoteFile file;
  const auto path = text_member(entry, "path");
  const auto oid = text_member(entry, "oid");
  auto size = count_member(entry, "size");
  if (!path || !oid) throw_malformed(hub, what, "an entry without path or oid");
  check_server_path(*path);
  file.path = *path;
  file.blob_id = *oid;
  file.hash = *oid;
  const auto lfs = entry.find("lfs");
  if (lfs != entry.end() && lfs->is_object()) {
    file.kind = HashKind::kSha256;
    file.hash = text_member(*lfs, "oid").value_or("");
    size = count_member(*lfs, "size");
  }
  file.xet_hash = text_member(entry, "xetHash").value_or("");
  const bool hash_fine = file.kind == HashKind::kSha256 ? is_sha256(file.hash) : is_commit_hash(file.hash);
  if (!hash_fine || !is_commit_hash(file.blob_id)) {
    throw_malformed(hub, what, fmt::format("no usable hash for '{}'", shown_text(file.path)));
  }
  if (!size) throw_malformed(hub, what, fmt::format("no usable size for '{}'", shown_text(file.path)));
  file.size = *size;
  return file;
}

/// Two files of one name, or a file where another needs a folder, cannot both be written.
void check_no_collision(const HubConnection& hub, const std::vector<RemoteFile>& files, const std::string& what) {
  std::set<std::string> paths;
  for (const auto& file : files) {
    if (!paths.insert(file.path).second) throw_malformed(hub, what, fmt::format("'{}' is listed twice", shown_text(file.path)));
  }
  for (const auto& file : files) {
    for (auto slash = file.path.find('/'); slash != std::string::npos; slash = file.path.find('/', slash + 1)) {
      if (paths.count(file.path.substr(0, slash)) != 0) {
        throw_malformed(hub, what, fmt::format("'{}' is a file and a folder", shown_text(file.path.substr(0, slash))));
      }
    }
  }
}

bool matches(const std::string& pattern, const std::string& path) {
  const std::string whole = !pattern.empty() && pattern.back() == '/' ? pattern + "*" : pattern;
  return ::fnmatch(whole.c_str(), path.c_str(), FNM_NOESCAPE) == 0;
}

}  // namespace

std::string resolve_commit(HubConnection& hub, const RepoRef& repo) {
  const Asked asked{label(repo), repo.id, repo.revision, ""};
  const Url url = hub.endpoint_url(api_path(repo) + "/revision/" + percent_encode(repo.revision));
  const auto commit = text_member(get_json(hub, url, asked), "sha");
  if (!commit || !is_commit_hash(*commit)) throw_malformed(hub, asked.what, "the commit is not 40 hex digits");
  if (is_commit_hash(repo.revision) && *commit != repo.revision) {
    throw_malformed(hub, asked.what, fmt::format("commit {} was asked for, {} is answered", repo.revision, *commit));
  }
  return *commit;
}

std::vector<RemoteFile> list_files(HubConnection& hub, const RepoRef& repo, const std::string& commit) {
  const Asked asked{"the file list of " + label(repo), repo.id, commit, ""};
  Url url = hub.endpoint_url(api_path(repo) + "/tree/" + commit + "?recursive=true&expand=false");
  std::vector<RemoteFile> files;
  std::set<std::string> seen;
  for (int page = 0; page < hub.options().max_pages; ++page) {
    if (!seen.insert(url.text).second) throw_malformed(hub, asked.what, "its pages lead in a circle");
    std::string link;
    const nlohmann::json entries = get_json(hub, url, asked, &link);
    if (!entries.is_array()) throw_malformed(hub, asked.what, "no list");
    for (const auto& entry : entries) {
      if (text_member(entry, "type") == "file") files.push_back(file_from(hub, entry, asked.what));
    }
    const std::string next = next_of(link);
    if (next.empty()) {
      check_no_collision(hub, files, asked.what);
      std::sort(files.begin(), files.end(), [](const RemoteFile& a, const RemoteFile& b) { return a.path < b.path; });
      return files;
    }
    const auto target = resolve_reference(url, next);
    if (!target || target->origin() != hub.options().endpoint.origin()) {
      throw_malformed(hub, asked.what,
                      fmt::format("its next page is on another host ({}), which is not followed",
                                  target ? shown_text(target->shown()) : "unreadable address"));
    }
    url = *target;
  }
  throw_malformed(hub, asked.what, fmt::format("more than {} pages", hub.options().max_pages));
}

std::vector<RepoRef> list_collection(HubConnection& hub, const std::string& slug) {
  const bool plain =
      !slug.empty() && slug.size() <= 256 &&
      slug.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/") == std::string::npos;
  if (!plain || std::count(slug.begin(), slug.end(), '/') != 1 || slug.find("..") != std::string::npos) {
    throw UserError(fmt::format("'{}' is no collection: expected ORGANISATION/NAME-ID, the end of the collection's address",
                                shown_text(slug)));
  }
  const Asked asked{"collection " + slug, slug, "", ""};
  const auto collection = get_json(hub, hub.endpoint_url("/api/collections/" + percent_encode(slug, "/")), asked);
  const auto items = collection.is_object() ? collection.find("items") : collection.end();
  if (!collection.is_object() || items == collection.end() || !items->is_array())
    throw_malformed(hub, asked.what, "no list of items");
  std::vector<RepoRef> repositories;
  for (const auto& item : *items) {
    const auto id = text_member(item, "id");
    const auto type = text_member(item, "type");
    if (!id || !type) throw_malformed(hub, asked.what, "an item without id or type");
    if (*type != "model" && *type != "dataset") {
      hub.say(fmt::format("{}: {} '{}' left out: only models and data sets are fetched", asked.what, shown_text(*type),
                          shown_text(*id)));
      continue;
    }
    check_repo_id(*id);
    repositories.push_back(RepoRef{repo_type_from_name(*type), *id, "main"});
  }
  return repositories;
}

bool has_wildcard(const std::string& pattern) {
  return pattern.find_first_of("*?[") != std::string::npos || (!pattern.empty() && pattern.back() == '/');
}

std::vector<RemoteFile> select_files(const std::vector<RemoteFile>& files, const std::vector<std::string>& includes,
                                     const std::vector<std::string>& excludes, const std::string& where) {
  const auto any_matches = [](const std::vector<std::string>& patterns, const RemoteFile& file) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) { return matches(pattern, file.path); });
  };
  std::vector<RemoteFile> selected;
  std::copy_if(files.begin(), files.end(), std::back_inserter(selected), [&](const RemoteFile& file) {
    return (includes.empty() || any_matches(includes, file)) && !any_matches(excludes, file);
  });
  const auto absent = std::find_if(includes.begin(), includes.end(), [&](const std::string& pattern) {
    return !has_wildcard(pattern) &&
           std::none_of(files.begin(), files.end(), [&](const auto& file) { return file.path == pattern; });
  });
  if (absent == includes.end() && (!selected.empty() || includes.empty())) return selected;
  std::vector<std::string> names;
  for (const auto& file : files) {
    if (names.size() == 12) break;
    names.push_back(shown_text(file.path, 80));
  }
  const std::string pattern = absent != includes.end() ? *absent : fmt::format("{}", fmt::join(includes, ", "));
  throw UserError(fmt::format("{} has no file '{}'; its {} files: {}{}", where, shown_text(pattern), files.size(),
                              fmt::join(names, ", "), names.size() < files.size() ? ", …" : ""));
}

}  // namespace grm
