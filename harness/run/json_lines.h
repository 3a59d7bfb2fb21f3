// Files of one JSON object a line that only grow: how a run survives `kill -9`.
//
// The first line is the schema: {"schema":{"name":…,"version":…}}. Each further line reaches the kernel in one write
// call, so a killed process leaves at most the last line torn; what has no newline at its end is torn, and is dropped.
// Nothing is forced to the disk line by line: after a power cut the last lines may be missing or torn, and are judged
// again. sync() forces it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/run/json_file.h"

namespace grm {

struct JsonLinesEnd {
  int version = 0;               // of the file; 0: no complete schema line yet
  std::uint64_t good_bytes = 0;  // up to and with the last newline
  std::uint64_t torn_bytes = 0;  // after it
};

/// Calls `visit(object, place)` for every complete line but the schema; `place` is "path:line". An absent file is an
/// empty one. Throws UserError naming the line where it is no JSON object.
JsonLinesEnd read_json_lines(const std::filesystem::path& path, const Schema& schema,
                             const std::function<void(nlohmann::json&&, const std::string& place)>& visit,
                             const JsonLimits& line_limits = {.max_bytes = std::uint64_t{64} << 20, .max_depth = 64});

/// Appends lines. One writer a file at a time: the caller holds the folder's lock. Threads may share it.
class JsonLinesWriter {
 public:
  /// Goes on at the end that read_json_lines found: cuts a torn line off, writes the schema line if there is none.
  JsonLinesWriter(std::filesystem::path path, const Schema& schema, const JsonLinesEnd& end);
  ~JsonLinesWriter();
  JsonLinesWriter(const JsonLinesWriter&) = delete;
  JsonLinesWriter& operator=(const JsonLinesWriter&) = delete;

  /// Throws Unfinished when the disk does not take the whole line; then nothing of it is in the file.
  void append(const nlohmann::json& object);
  /// Forces what was appended to the disk.
  void sync();

 private:
  void write_line(const std::string& line);

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  bool broken_ = false;
  std::mutex mutex_;
};

}  // namespace grm
