#include "harness/files/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>

#include "harness/error.h"

namespace grm {
namespace {

/// An open file descriptor and the name it has until it is renamed; removes the file when nobody kept it.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::filesystem::path path) : path_(std::move(path)) {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  }
  ~TemporaryFile() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
      if (!kept_) ::unlink(path_.c_str());
    }
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  bool is_open() const { return descriptor_ >= 0; }

  bool write_and_flush(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return ::fsync(descriptor_) == 0;
  }

  bool rename_to(const std::filesystem::path& target) {
    kept_ = ::rename(path_.c_str(), target.c_str()) == 0;
    return kept_;
  }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  bool kept_ = false;
};

/// Makes the rename itself survive a power cut. Some file systems refuse to flush a folder: then nothing can be done.
void flush_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

[[noreturn]] void throw_write_error(const std::filesystem::path& path) {
  const int reason = errno;
  const bool full = reason == ENOSPC || reason == EDQUOT;
  throw Unfinished(fmt::format("cannot write {}: {}{}", path.string(), std::strerror(reason),
                               full ? "; free some space and run the same command again" : ""));
}

}  // namespace

std::filesystem::path unique_sibling(const std::filesystem::path& path, std::string_view suffix) {
  std::random_device entropy;
  std::filesystem::path sibling = path;
  sibling += fmt::format(".{:08x}{}", entropy(), suffix);
  return sibling;
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  TemporaryFile file(unique_sibling(path, ".tmp"));
  if (!file.is_open() || !file.write_and_flush(bytes) || !file.rename_to(path)) throw_write_error(path);
  flush_folder(path.parent_path());
}

std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) throw UserError(fmt::format("cannot read {}: {}", path.string(), error.message()));
  if (size > max_bytes) {
    throw UserError(fmt::format("{} has {} bytes, more than the {} expected at most", path.string(), size, max_bytes));
  }
  std::ifstream stream(path, std::ios::binary);
  std::string bytes(size, '\0');
  stream.read(bytes.data(), static_cast<std::streamsize>(size));
  if (!stream || stream.gcount() != static_cast<std::streamsize>(size)) {
    throw UserError(fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
  }
  return bytes;
}

}  // namespace grm
