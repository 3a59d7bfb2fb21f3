// A lock between processes (flock): held while the object lives, freed by the kernel when the process dies.
#pragma once

#include <filesystem>
#include <optional>

namespace grm {

class FileLock {
 public:
  /// Takes the lock, waiting until it is free. Creates the lock file (its folder must exist) and leaves it there.
  /// Throws Unfinished where the file cannot be opened or the file system has no locks.
  static FileLock acquire(const std::filesystem::path& path);
  /// Takes the lock if it is free now, else gives nothing.
  static std::optional<FileLock> try_acquire(const std::filesystem::path& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace grm
