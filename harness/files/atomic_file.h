// Whole files in and out. A written file is there complete or not at all, whatever happens in between.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace grm {

/// Writes `bytes` to a temporary file beside `path`, flushes it to disk and renames it over `path` (umask applied).
/// Throws Unfinished with the path and the reason (disk full, no permission, …); then `path` is as it was before and
/// no temporary file is left. The folder must exist.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

/// The whole file. Throws UserError when it cannot be read or is larger than `max_bytes`.
std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes = UINT64_MAX);

/// A name for a temporary file beside `path`, different in every process and call: `<path>.<8 hex digits><suffix>`.
std::filesystem::path unique_sibling(const std::filesystem::path& path, std::string_view suffix);

}  // namespace grm
