// SHA-256 and git blob SHA-1, incremental: large files are hashed as they stream by.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace grm {

namespace detail {
/// One OpenSSL digest in progress. Moved-from objects may only be destroyed or assigned to.
class DigestContext {
 public:
  explicit DigestContext(const char* algorithm);
  void update(std::string_view bytes);
  std::string finish_hex();

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;
};
}  // namespace detail

class Sha256 {
 public:
  Sha256() : digest_("SHA256") {}
  void update(std::string_view bytes) { digest_.update(bytes); }
  /// 64 lower-case hex digits; call once, last.
  std::string finish_hex() { return digest_.finish_hex(); }

 private:
  detail::DigestContext digest_;
};

/// SHA-1 over `blob <size>\0<content>`: git's name of a file's content. The size in bytes must be known first.
class GitBlobSha1 {
 public:
  explicit GitBlobSha1(std::uint64_t size) : digest_("SHA1") {
    digest_.update("blob " + std::to_string(size) + std::string(1, '\0'));
  }
  void update(std::string_view bytes) { digest_.update(bytes); }
  /// 40 lower-case hex digits; call once, last.
  std::string finish_hex() { return digest_.finish_hex(); }

 private:
  detail::DigestContext digest_;
};

std::string sha256_hex(std::string_view bytes);
/// Reads the file in pieces. Throws UserError when it cannot be opened, Unfinished when reading fails midway.
std::string sha256_file(const std::filesystem::path& path);
std::string git_blob_sha1_file(const std::filesystem::path& path);

}  // namespace grm
