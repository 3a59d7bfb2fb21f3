// JSON from a server or from a file others may have written.
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace grm {

/// Nothing when the text is no JSON, is nested deeper than `max_depth`, or names a key twice in one object.
std::optional<nlohmann::json> parse_untrusted_json(std::string_view text, int max_depth = 64);

/// The member as text, if it is there and a string.
std::optional<std::string> text_member(const nlohmann::json& object, const char* name);
/// The member as a count (0 to 2^53), if it is there and one.
std::optional<std::uint64_t> count_member(const nlohmann::json& object, const char* name);

}  // namespace grm
