// A blob on its way: `blobs/<hash>.<8 hex>.incomplete`, hashed as it grows, renamed to `blobs/<hash>` only when it is right.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>

#include "harness/files/hash.h"
#include "harness/hub/remote_file.h"

namespace grm {

class PartialFile {
 public:
  /// Goes on with the longest unfinished file an interrupted process left, or begins an empty one. The caller holds the blob's
  /// lock, so whoever began it is gone. Throws Unfinished when nothing can be written there.
  PartialFile(const std::filesystem::path& blob, const RemoteFile& file);
  /// Leaves the unfinished file for a later run unless it is finished, removed or empty.
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  std::uint64_t size() const { return size_; }
  /// False when writing failed (see throw_write_error) or the file would grow beyond its size (`overflowed`). Never throws.
  bool append(std::string_view bytes) noexcept;
  bool overflowed() const { return overflowed_; }
  bool write_failed() const { return write_errno_ != 0; }
  /// Removes the file and tells why it could not be written.
  [[noreturn]] void throw_write_error();
  /// Empty again.
  void restart();
  /// The hash of what is there; the file must be complete. May be asked once between restarts.
  std::string finish_hash();
  /// Flushes the file to disk and gives it the blob's name.
  void keep();
  void remove();

 private:
  void adopt_longest();
  void begin_digest();

  std::filesystem::path blob_;
  std::filesystem::path path_;
  RemoteFile file_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  int write_errno_ = 0;
  bool overflowed_ = false;
  std::variant<Sha256, GitBlobSha1> digest_;
};

}  // namespace grm
