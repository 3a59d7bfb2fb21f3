#include "harness/run/json_lines.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>
#include <vector>

#include "harness/error.h"

namespace grm {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* doing, int error) {
  throw Unfinished(fmt::format("{}: {} failed: {}. What is in the file is complete; free what is missing and run the same "
                               "command again to go on",
                               path.string(), doing, std::strerror(error)));
}

}  // namespace

JsonLinesEnd read_json_lines(const std::filesystem::path& path, const Schema& schema,
                             const std::function<void(nlohmann::json&&, const std::string&)>& visit,
                             const JsonLimits& line_limits) {
  JsonLinesEnd end;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return end;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw UserError(fmt::format("{}: cannot be read: {}", path.string(), std::strerror(errno)));

  std::int64_t line_number = 0;
  const auto take = [&](std::string_view line) {
    const std::string place = fmt::format("{}:{}", path.string(), ++line_number);
    nlohmann::json object = parse_json(line, place, line_limits);
    if (!object.is_object()) throw UserError(fmt::format("{}: a line must be a JSON object", place));
    if (line_number == 1) {
      end.version = check_schema(object, schema, place);
    } else {
      visit(std::move(object), place);
    }
    end.good_bytes += line.size() + 1;
  };

  std::string pending;
  std::vector<char> buffer(std::size_t{1} << 20);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0) {
    std::string_view rest(buffer.data(), static_cast<std::size_t>(file.gcount()));
    for (std::size_t newline; (newline = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(newline + 1)) {
      pending.append(rest.substr(0, newline));
      take(pending);
      pending.clear();
    }
    pending.append(rest);
    if (pending.size() > line_limits.max_bytes) {
      throw UserError(fmt::format("{}:{}: longer than {} bytes", path.string(), line_number + 1, line_limits.max_bytes));
    }
  }
  if (file.bad()) throw Unfinished(fmt::format("{}: reading failed: {}", path.string(), std::strerror(errno)));
  end.torn_bytes = pending.size();
  return end;
}

JsonLinesWriter::JsonLinesWriter(std::filesystem::path path, const Schema& schema, const JsonLinesEnd& end)
    : path_(std::move(path)), size_(end.good_bytes) {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(path_, "opening", errno);
  try {
    if (::ftruncate(descriptor_, static_cast<off_t>(size_)) != 0) fail(path_, "cutting off a torn line", errno);
    if (end.version == 0) write_line(canonical_dump({{"schema", schema_json(schema)}}));
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

JsonLinesWriter::~JsonLinesWriter() { ::close(descriptor_); }

void JsonLinesWriter::append(const nlohmann::json& object) {
  const std::string line = canonical_dump(object);
  const std::lock_guard lock(mutex_);
  write_line(line);
}

void JsonLinesWriter::write_line(const std::string& line) {
  if (broken_) throw Unfinished(fmt::format("{}: an earlier write failed; nothing more is written", path_.string()));
  const std::string bytes = line + "\n";
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::write(descriptor_, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const int error = count < 0 ? errno : ENOSPC;
      // A half line must not stay before lines that might still follow. If even that fails, no more lines follow.
      if (done > 0 && ::ftruncate(descriptor_, static_cast<off_t>(size_)) != 0) broken_ = true;
      fail(path_, "writing", error);
    }
    done += static_cast<std::size_t>(count);
  }
  size_ += bytes.size();
}

void JsonLinesWriter::sync() {
  const std::lock_guard lock(mutex_);
  if (::fsync(descriptor_) != 0) fail(path_, "writing to disk", errno);
}

}  // namespace grm
