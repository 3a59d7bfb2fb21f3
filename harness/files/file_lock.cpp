#include "harness/files/file_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "harness/error.h"

namespace grm {
namespace {

/// False when another process removed or replaced the file between our open and our lock (other lock libraries do).
bool still_the_same_file(int descriptor, const std::filesystem::path& path) {
  struct stat ours{};
  struct stat named{};
  return ::fstat(descriptor, &ours) == 0 && ::stat(path.c_str(), &named) == 0 && ours.st_ino == named.st_ino &&
         ours.st_dev == named.st_dev;
}

/// The locked descriptor, or -1 when `operation` has LOCK_NB and the lock is taken.
int lock_file(const std::filesystem::path& path, int operation) {
  while (true) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0664);
    if (descriptor < 0) throw Unfinished(fmt::format("cannot open lock file {}: {}", path.string(), std::strerror(errno)));
    int result = 0;
    do {
      result = ::flock(descriptor, operation);
    } while (result != 0 && errno == EINTR);
    if (result == 0 && still_the_same_file(descriptor, path)) return descriptor;
    const int reason = errno;
    ::close(descriptor);
    if (result == 0) continue;
    if (reason == EWOULDBLOCK) return -1;
    throw Unfinished(fmt::format("cannot lock {}: {}", path.string(), std::strerror(reason)));
  }
}

}  // namespace

FileLock FileLock::acquire(const std::filesystem::path& path) { return FileLock(lock_file(path, LOCK_EX)); }

std::optional<FileLock> FileLock::try_acquire(const std::filesystem::path& path) {
  const int descriptor = lock_file(path, LOCK_EX | LOCK_NB);
  if (descriptor < 0) return std::nullopt;
  return FileLock(descriptor);
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace grm
