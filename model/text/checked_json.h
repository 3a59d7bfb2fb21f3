#pragma once

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace grm {

using Json = nlohmann::json;

/// Parses JSON from outside. Refuses what nlohmann takes silently: duplicate keys and nesting deeper than `max_depth`.
/// `name` is the file as the user knows it. Throws ModelError.
Json parse_checked_json(std::string_view text, const std::string& name, std::size_t max_depth = 64);

/// The whole file as bytes; throws ModelError when it cannot be read or is larger than `max_bytes`.
std::string read_text_file(const std::filesystem::path& path, std::size_t max_bytes = std::size_t{1} << 28);

/// A JSON object with its place for messages: "FILE: pre_tokenizer.pretokenizers[1]".
struct JsonPlace {
  const Json& value;
  std::string where;

  [[noreturn]] void fail(const std::string& what) const;
  /// The object's keys must all be among these; an unknown one might change what the component does.
  void allow_keys(std::initializer_list<std::string_view> keys) const;
  bool has(std::string_view key) const;  // present and not null
  JsonPlace at(std::string_view key) const;
  JsonPlace at(std::size_t index) const;
  std::string string() const;
  bool boolean() const;
  std::int64_t integer(std::int64_t low, std::int64_t high) const;
  std::string string_at(std::string_view key) const { return at(key).string(); }
  bool boolean_at(std::string_view key, bool otherwise) const { return has(key) ? at(key).boolean() : otherwise; }
  std::optional<std::string> optional_string_at(std::string_view key) const;
};

}  // namespace grm
