#include "harness/files/hash.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <vector>

#include "harness/error.h"

namespace grm {
namespace detail {

namespace {
EVP_MD_CTX* as_context(void* context) { return static_cast<EVP_MD_CTX*>(context); }
}  // namespace

void DigestContext::Free::operator()(void* context) const { EVP_MD_CTX_free(as_context(context)); }

DigestContext::DigestContext(const char* algorithm) : context_(EVP_MD_CTX_new()) {
  const EVP_MD* method = EVP_get_digestbyname(algorithm);
  if (!context_ || method == nullptr || EVP_DigestInit_ex(as_context(context_.get()), method, nullptr) != 1) {
    throw std::runtime_error(fmt::format("OpenSSL offers no {} here", algorithm));
  }
}

void DigestContext::update(std::string_view bytes) {
  if (EVP_DigestUpdate(as_context(context_.get()), bytes.data(), bytes.size()) != 1) {
    throw std::runtime_error("OpenSSL failed to update a digest");
  }
}

std::string DigestContext::finish_hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(as_context(context_.get()), bytes.data(), &size) != 1) {
    throw std::runtime_error("OpenSSL failed to finish a digest");
  }
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += kHexDigits[bytes[i] >> 4U];
    hex += kHexDigits[bytes[i] & 15U];
  }
  return hex;
}

}  // namespace detail

namespace {

void read_in_pieces(const std::filesystem::path& path, const std::function<void(std::string_view)>& use) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rbe"));
  if (!file) throw UserError(fmt::format("cannot open {}: {}", path.string(), std::strerror(errno)));
  std::vector<char> piece(std::size_t{1} << 18U);
  while (true) {
    const std::size_t count = std::fread(piece.data(), 1, piece.size(), file.get());
    if (count == 0) break;
    use(std::string_view(piece.data(), count));
  }
  if (std::ferror(file.get()) != 0) throw Unfinished(fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.finish_hex();
}

std::string sha256_file(const std::filesystem::path& path) {
  Sha256 digest;
  read_in_pieces(path, [&](std::string_view piece) { digest.update(piece); });
  return digest.finish_hex();
}

std::string git_blob_sha1_file(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) throw UserError(fmt::format("cannot open {}: {}", path.string(), error.message()));
  GitBlobSha1 digest(size);
  read_in_pieces(path, [&](std::string_view piece) { digest.update(piece); });
  return digest.finish_hex();
}

}  // namespace grm
