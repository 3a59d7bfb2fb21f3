#include "harness/hub/partial_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <vector>

#include "harness/error.h"
#include "harness/files/atomic_file.h"

namespace grm {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".incomplete";

bool is_unfinished_of(const fs::path& candidate, const fs::path& blob) {
  const std::string name = candidate.filename().string();
  const std::string prefix = blob.filename().string() + ".";
  return name.size() == prefix.size() + 8 + kSuffix.size() && name.compare(0, prefix.size(), prefix) == 0 &&
         name.compare(name.size() - kSuffix.size(), kSuffix.size(), kSuffix) == 0;
}

}  // namespace

PartialFile::PartialFile(const fs::path& blob, const RemoteFile& file)
    : blob_(blob), path_(unique_sibling(blob, kSuffix)), file_(file) {
  adopt_longest();
  if (descriptor_ >= 0) return;
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor_ < 0) throw Unfinished(fmt::format("cannot write {}: {}", path_.string(), std::strerror(errno)));
  // Where the blob's lock does not work (some network file systems), this one may still keep others from adopting the file.
  ::flock(descriptor_, LOCK_EX | LOCK_NB);
  begin_digest();
}

PartialFile::~PartialFile() {
  if (descriptor_ < 0) return;
  if (size_ == 0) ::unlink(path_.c_str());
  ::close(descriptor_);
}

void PartialFile::adopt_longest() {
  fs::path longest;
  std::uint64_t longest_size = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(blob_.parent_path(), error)) {
    if (!is_unfinished_of(entry.path(), blob_) || entry.symlink_status(error).type() != fs::file_type::regular) continue;
    const auto size = entry.file_size(error);
    if (!error && (longest.empty() || size > longest_size) && size <= file_.size) {  // an empty one too, or it would stay
      longest = entry.path();
      longest_size = size;
    }
  }
  if (longest.empty()) return;
  const int descriptor = ::open(longest.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) return;
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 || ::rename(longest.c_str(), path_.c_str()) != 0) {
    ::close(descriptor);
    return;
  }
  descriptor_ = descriptor;
  begin_digest();
  std::vector<char> piece(std::size_t{1} << 18U);
  ssize_t count = 0;
  while ((count = ::read(descriptor_, piece.data(), piece.size())) > 0) {
    const std::string_view bytes(piece.data(), static_cast<std::size_t>(count));
    std::visit([&](auto& digest) { digest.update(bytes); }, digest_);
    size_ += bytes.size();
  }
  if (count < 0 || size_ > file_.size) restart();
}

void PartialFile::begin_digest() {
  if (file_.kind == HashKind::kSha256) {
    digest_.emplace<Sha256>();
  } else {
    digest_.emplace<GitBlobSha1>(file_.size);
  }
}

bool PartialFile::append(std::string_view bytes) noexcept {
  if (bytes.size() > file_.size - size_) {
    overflowed_ = true;
    return false;
  }
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t count = ::write(descriptor_, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      write_errno_ = errno;
      return false;
    }
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  size_ += bytes.size();
  std::visit([&](auto& digest) { digest.update(bytes); }, digest_);  // ends the program if OpenSSL fails on memory
  return true;
}

void PartialFile::throw_write_error() {
  const int reason = write_errno_;
  remove();  // an unfinished file must not keep the disk full
  const bool full = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
  throw Unfinished(fmt::format(
      "cannot write {} ({} bytes): {}{}", blob_.string(), file_.size, std::strerror(reason),
      full ? "; free some space, or set HF_HOME or HF_HUB_CACHE to a larger disk, and run the same command again" : ""));
}

void PartialFile::restart() {
  if (::ftruncate(descriptor_, 0) != 0 || ::lseek(descriptor_, 0, SEEK_SET) != 0) {
    write_errno_ = errno;
    throw_write_error();
  }
  size_ = 0;
  overflowed_ = false;
  begin_digest();
}

std::string PartialFile::finish_hash() {
  return std::visit([](auto& digest) { return digest.finish_hex(); }, digest_);
}

void PartialFile::keep() {
  if (::fsync(descriptor_) != 0 || ::rename(path_.c_str(), blob_.c_str()) != 0) {
    write_errno_ = errno;
    throw_write_error();
  }
  ::close(descriptor_);
  descriptor_ = -1;
}

void PartialFile::remove() {
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());
  ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace grm
