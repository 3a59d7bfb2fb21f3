// One file from the Hub into the cache, verified.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "harness/hub/cache.h"
#include "harness/hub/connection.h"

namespace grm {

/// `count` more bytes are there (negative: to be fetched again); from the network, or found on disk.
using CountBytes = std::function<void(std::int64_t count, bool from_network)>;

/// Brings `file` of the commit into the snapshot: asks for its description (which must agree with the list), downloads, resumes
/// what broke off, checks size and hash, links. Waits while another process downloads the same content, and takes its result.
/// Throws UserError or Unfinished; the cache then holds no wrong file.
void download_file(HubConnection& hub, const RepoCache& cache, const RepoRef& repo, const std::string& commit,
                   const RemoteFile& file, const CountBytes& count);

}  // namespace grm
