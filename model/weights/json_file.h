// JSON from a downloaded folder, read as what it is: untrusted.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace grm {

/// Nesting that no honest config or index reaches; deeper input is refused before it costs stack or memory.
inline constexpr int kMaxJsonDepth = 64;

/// Parses `text`. Duplicate keys (nlohmann would keep the last silently), nesting beyond kMaxJsonDepth, NUL bytes and syntax
/// errors throw ModelError; `where` names the file in the message.
nlohmann::json parse_json(std::string_view text, const std::string& where);

/// Reads and parses a whole file of at most `max_bytes`. Throws ModelError.
nlohmann::json read_json_file(const std::filesystem::path& path, std::size_t max_bytes = 100'000'000);

}  // namespace grm
