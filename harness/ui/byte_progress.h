// How far a download is.
#pragma once

#include <string>
#include <utility>

#include "harness/ui/progress.h"

namespace grm {

class ByteProgress : public Progress {
 public:
  /// `total` bytes are expected in all. Writes to `stream` (stderr; null: silent).
  ByteProgress(std::string title, std::uint64_t total, std::FILE* stream)
      : Progress(std::move(title), static_cast<std::int64_t>(total), bytes_unit(), 0, stream) {}
};

}  // namespace grm
