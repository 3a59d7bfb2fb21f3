// What is there: the commit of a revision, the files of a commit, the repositories of a collection.
#pragma once

#include <string>
#include <vector>

#include "harness/hub/connection.h"
#include "harness/hub/remote_file.h"
#include "harness/hub/repo_ref.h"

namespace grm {

/// 40 hex digits. Throws UserError or Unfinished.
std::string resolve_commit(HubConnection& hub, const RepoRef& repo);
/// All files at the commit, by path; every path checked, none twice. Follows pages within the endpoint's origin.
std::vector<RemoteFile> list_files(HubConnection& hub, const RepoRef& repo, const std::string& commit);
/// The models and data sets of the collection, in its order; other kinds are named by `hub.say` and left out.
std::vector<RepoRef> list_collection(HubConnection& hub, const std::string& slug);

/// The entries that match at least one pattern of `includes` (as in fnmatch: `*` matches `/` too; `folder/` means all below it;
/// none given: all) and none of `excludes`. Throws UserError when nothing is left, or an include without wildcards matches
/// nothing.
std::vector<RemoteFile> select_files(const std::vector<RemoteFile>& files, const std::vector<std::string>& includes,
                                     const std::vector<std::string>& excludes, const std::string& where);
bool has_wildcard(const std::string& pattern);

}  // namespace grm
