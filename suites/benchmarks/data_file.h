// Reads data files that are hostile until checked: JSON arrays and JSON lines of objects, every fault named with file and row.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "suites/benchmarks/item.h"

namespace grm {

/// A JSON object and where it stands, with checked access to its fields.
class Row {
 public:
  Row(nlohmann::json value, std::string where);

  const std::string& where() const { return where_; }
  bool has(const char* field) const;
  /// A string. UserError where it is missing or something else.
  std::string text(const char* field) const;
  /// A string, none where the field is missing or null.
  std::optional<std::string> optional_text(const char* field) const;
  /// An integer. UserError where it is missing or something else.
  std::int64_t integer(const char* field) const;
  /// A string, or an integer as its digits.
  std::string text_or_integer(const char* field) const;
  /// An array of strings.
  std::vector<std::string> texts(const char* field) const;
  [[noreturn]] void fail(const std::string& what) const;

 private:
  const nlohmann::json& at(const char* field) const;
  nlohmann::json value_;
  std::string where_;
};

/// The rows of a JSON-lines file; empty lines are skipped. `name` stands for the file in messages.
std::vector<Row> rows_of_lines(std::string_view text, const std::string& name);

/// The rows of a file that is one JSON array of objects.
std::vector<Row> rows_of_array(std::string_view text, const std::string& name);

/// Regular files below `folder` (hidden ones left out) whose name ends in `extension`, at any depth, sorted by
/// path relative to it.
std::vector<std::filesystem::path> list_data_files(const std::filesystem::path& folder, std::string_view extension);

/// Reads a file of a suite and notes its hash in `source`.
std::string read_data_file(DataSource& source, const std::filesystem::path& relative);

/// UserError where two items have one id or an item is not fit to be judged (fewer than two answers, label out of range).
void check_items(const Suite& suite);

}  // namespace grm
