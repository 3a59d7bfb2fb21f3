#include "suites/benchmarks/data_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "harness/error.h"
#include "harness/files/atomic_file.h"
#include "harness/files/hash.h"
#include "harness/run/json_file.h"

namespace grm {

namespace fs = std::filesystem;

Row::Row(nlohmann::json value, std::string where) : value_(std::move(value)), where_(std::move(where)) {
  if (!value_.is_object()) fail(fmt::format("a JSON object was expected, found {}", value_.type_name()));
}

void Row::fail(const std::string& what) const { throw UserError(fmt::format("{}: {}", where_, what)); }

bool Row::has(const char* field) const {
  const auto found = value_.find(field);
  return found != value_.end() && !found->is_null();
}

const nlohmann::json& Row::at(const char* field) const {
  const auto found = value_.find(field);
  if (found != value_.end()) return *found;
  std::string present;
  for (const auto& [key, unused] : value_.items()) present += (present.empty() ? "" : ", ") + key.substr(0, 60);
  fail(fmt::format("the field '{}' is missing (fields found: {})", field, present));
}

std::string Row::text(const char* field) const {
  const nlohmann::json& value = at(field);
  if (!value.is_string()) fail(fmt::format("the field '{}' must be a string, found {}", field, value.type_name()));
  return value.get<std::string>();
}

std::optional<std::string> Row::optional_text(const char* field) const {
  return has(field) ? std::optional<std::string>(text(field)) : std::nullopt;
}

std::int64_t Row::integer(const char* field) const {
  const nlohmann::json& value = at(field);
  const bool too_large = value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
  if (!value.is_number_integer() || too_large) {
    fail(fmt::format("the field '{}' must be an integer, found {}", field, value.dump(-1, ' ', true).substr(0, 60)));
  }
  return value.get<std::int64_t>();
}

std::string Row::text_or_integer(const char* field) const {
  return at(field).is_number_integer() ? std::to_string(integer(field)) : text(field);
}

std::vector<std::string> Row::texts(const char* field) const {
  const nlohmann::json& value = at(field);
  if (!value.is_array()) fail(fmt::format("the field '{}' must be an array of strings, found {}", field, value.type_name()));
  std::vector<std::string> result;
  for (const nlohmann::json& element : value) {
    if (!element.is_string()) fail(fmt::format("the field '{}' must hold strings only, found {}", field, element.type_name()));
    result.push_back(element.get<std::string>());
  }
  return result;
}

std::vector<Row> rows_of_lines(std::string_view text, const std::string& name) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<Row> rows;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = text.find('\n');
    const std::string_view content = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (content.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("{} line {}", name, line);
    rows.emplace_back(parse_json(content, where), where);
  }
  return rows;
}

std::vector<Row> rows_of_array(std::string_view text, const std::string& name) {
  nlohmann::json array = parse_json(text, name);
  if (!array.is_array()) throw UserError(fmt::format("{}: a JSON array was expected, found {}", name, array.type_name()));
  std::vector<Row> rows;
  for (std::size_t i = 0; i < array.size(); ++i) rows.emplace_back(std::move(array[i]), fmt::format("{} row {}", name, i));
  return rows;
}

std::vector<fs::path> list_data_files(const fs::path& folder, std::string_view extension) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code ignored;
    if (name.starts_with('.')) {
      it.disable_recursion_pending();
    } else if (name.ends_with(extension) && it->is_regular_file(ignored)) {
      found.push_back(it->path().lexically_relative(folder));
    }
  }
  if (error) throw UserError(fmt::format("{}: cannot be listed ({})", folder.string(), error.message()));
  std::sort(found.begin(), found.end());
  return found;
}

std::string read_data_file(DataSource& source, const fs::path& relative) {
  std::string text = read_file(source.folder / relative);
  source.files.push_back({relative.generic_string(), sha256_hex(text)});
  return text;
}

void check_items(const Suite& suite) {
  if (suite.items.empty()) {
    throw UserError(fmt::format("suite {}: no items in {}", suite.name, suite.source.folder.string()));
  }
  std::map<std::string_view, const Item*> seen;
  for (const Item& item : suite.items) {
    if (item.answers.size() < 2) throw UserError(fmt::format("item {}: fewer than two answers", item.id));
    if (item.label < 0 || static_cast<std::size_t>(item.label) >= item.answers.size()) {
      throw UserError(fmt::format("item {}: label {} for {} answers", item.id, item.label, item.answers.size()));
    }
    const auto [other, fresh] = seen.emplace(item.id, &item);
    if (!fresh) {
      throw UserError(fmt::format("item {} occurs twice: in {} and in {}; keys must be unique within a split", item.id,
                                  other->second->file, item.file));
    }
  }
}

}  // namespace grm
