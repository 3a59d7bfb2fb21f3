// JSON in and out, strictly: limits on size and depth, no duplicate keys, a schema name and version in every file, one
// byte form for one value.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace grm {

/// What a file is (`grm.journal`) and the newest version this program writes and reads.
struct Schema {
  std::string_view name;
  int version = 1;
};

struct JsonLimits {
  std::uint64_t max_bytes = std::uint64_t{256} << 20;
  int max_depth = 64;
};

/// Parses one JSON value. Throws UserError naming `where` on malformed text, a duplicate key, too much depth or size,
/// a number beyond double.
nlohmann::json parse_json(std::string_view text, const std::string& where, const JsonLimits& limits = {});

/// The object's `schema` must be `{"name": schema.name, "version": 1..schema.version}`; returns the version, so that a
/// reader can treat older ones. Throws UserError naming `where`, also when the file is newer than this program.
int check_schema(const nlohmann::json& object, const Schema& schema, const std::string& where);
nlohmann::json schema_json(const Schema& schema);

/// Reads an object and checks its schema.
nlohmann::json read_json_file(const std::filesystem::path& path, const Schema& schema, const JsonLimits& limits = {});

/// Adds the schema to `object` and writes it atomically, indented. Throws Unfinished when the disk does not take it.
void write_json_file(const std::filesystem::path& path, const Schema& schema, nlohmann::json object);

/// One line: keys sorted by bytes, no spaces, UTF-8 as it is, doubles in round-trip form (1.0 stays 1.0).
/// Throws UserError for NaN or infinity (JSON has none) and for strings that are not UTF-8.
std::string canonical_dump(const nlohmann::json& value);
/// The same, indented by two spaces, with a newline at the end.
std::string canonical_dump_indented(const nlohmann::json& value);

/// A text as valid UTF-8: every byte that is not part of a well-formed character becomes one U+FFFD.
struct SafeText {
  std::string text;
  std::int64_t invalid_bytes = 0;
};
SafeText safe_utf8(std::string_view bytes);

}  // namespace grm
