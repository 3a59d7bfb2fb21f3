// A file as the Hub describes it.
#pragma once

#include <cstdint>
#include <string>

namespace grm {

enum class HashKind {
  kSha256,   // of the content: files in LFS or Xet storage
  kGitSha1,  // git blob hash: all others
};

struct RemoteFile {
  std::string path;  // relative to the repository's root, checked
  std::uint64_t size = 0;
  std::string hash;  // lower-case hex; also the name of the blob in the cache
  HashKind kind = HashKind::kGitSha1;
  std::string blob_id;   // git's name of the file, or of its LFS pointer
  std::string xet_hash;  // empty where there is none
};

}  // namespace grm
