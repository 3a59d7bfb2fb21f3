#include "harness/run/json_file.h"

#include <fmt/format.h>

#include <cmath>
#include <set>
#include <vector>

#include "harness/error.h"
#include "harness/files/atomic_file.h"

namespace grm {
namespace {

using nlohmann::json;

/// Watches the parser's events: nlohmann keeps the last of two equal keys without a word, and its own recursion (dump,
/// comparison) has no limit of depth.
class Guard {
 public:
  Guard(const std::string& where, int max_depth) : where_(where), max_depth_(max_depth) {}

  bool operator()(int depth, json::parse_event_t event, const json& value) {
    using Event = json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (depth >= max_depth_) throw UserError(fmt::format("{}: nested deeper than {} levels", where_, max_depth_));
    }
    if (event == Event::object_start) {
      keys_.emplace_back();
    } else if (event == Event::object_end) {
      keys_.pop_back();
    } else if (event == Event::key && !keys_.back().insert(value.get<std::string>()).second) {
      throw UserError(fmt::format("{}: key \"{}\" stands twice in one object", where_, value.get<std::string>()));
    }
    return true;
  }

 private:
  const std::string& where_;
  int max_depth_;
  std::vector<std::set<std::string>> keys_;
};

void refuse_non_finite(const json& value) {
  if (value.is_number_float() && !std::isfinite(value.get<double>())) {
    throw UserError("a number that is to be written as JSON is NaN or infinite");
  }
  if (value.is_structured()) {
    for (const json& child : value) refuse_non_finite(child);
  }
}

std::string dump(const json& value, int indent) {
  refuse_non_finite(value);
  try {
    return value.dump(indent);
  } catch (const json::exception& error) {
    throw UserError(fmt::format("a text that is to be written as JSON is not UTF-8: {}", error.what()));
  }
}

/// Length of the well-formed character that begins at `i` (Unicode 15, table 3-7), 0 if there is none.
std::size_t character_length(std::string_view bytes, std::size_t i) {
  const auto byte = [&](std::size_t k) { return k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0u; };
  const auto continues = [&](std::size_t k, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(k) >= low && byte(k) <= high;
  };
  const unsigned first = byte(i);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(i + 1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned low = first == 0xE0 ? 0xA0u : 0x80u;
    const unsigned high = first == 0xED ? 0x9Fu : 0xBFu;
    return continues(i + 1, low, high) && continues(i + 2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned low = first == 0xF0 ? 0x90u : 0x80u;
    const unsigned high = first == 0xF4 ? 0x8Fu : 0xBFu;
    return continues(i + 1, low, high) && continues(i + 2) && continues(i + 3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& where, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    throw UserError(fmt::format("{}: {} bytes of JSON, more than the limit of {}", where, text.size(), limits.max_bytes));
  }
  Guard guard(where, limits.max_depth);
  try {
    return json::parse(text, [&guard](int depth, json::parse_event_t event, json& value) { return guard(depth, event, value); });
  } catch (const json::exception& error) {
    throw UserError(fmt::format("{}: not valid JSON: {}", where, error.what()));
  }
}

int check_schema(const json& object, const Schema& schema, const std::string& where) {
  const auto found = object.is_object() ? object.find("schema") : object.end();
  if (!object.is_object() || found == object.end() || !found->is_object() || !found->contains("name") ||
      !found->contains("version") || !(*found)["name"].is_string() || !(*found)["version"].is_number_integer()) {
    throw UserError(fmt::format("{}: no schema name and version, so it is not a {} file of this program", where, schema.name));
  }
  const auto name = (*found)["name"].get<std::string>();
  const auto version = (*found)["version"].get<std::int64_t>();
  if (name != schema.name) throw UserError(fmt::format("{}: schema is \"{}\", expected \"{}\"", where, name, schema.name));
  if (version > schema.version) {
    throw UserError(fmt::format("{}: {} version {} was written by a newer program; this one reads up to version {}. Update grm",
                                where, name, version, schema.version));
  }
  if (version < 1) throw UserError(fmt::format("{}: {} version {} does not exist", where, name, version));
  return static_cast<int>(version);
}

json schema_json(const Schema& schema) { return {{"name", schema.name}, {"version", schema.version}}; }

json read_json_file(const std::filesystem::path& path, const Schema& schema, const JsonLimits& limits) {
  json object = parse_json(read_file(path, limits.max_bytes), path.string(), limits);
  check_schema(object, schema, path.string());
  return object;
}

void write_json_file(const std::filesystem::path& path, const Schema& schema, json object) {
  object["schema"] = schema_json(schema);
  write_file_atomically(path, canonical_dump_indented(object));
}

std::string canonical_dump(const json& value) { return dump(value, -1); }

std::string canonical_dump_indented(const json& value) { return dump(value, 2) + "\n"; }

SafeText safe_utf8(std::string_view bytes) {
  SafeText safe;
  safe.text.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t length = character_length(bytes, i);
    if (length == 0) {
      safe.text += "\xEF\xBF\xBD";
      ++safe.invalid_bytes;
      ++i;
    } else {
      safe.text.append(bytes.substr(i, length));
      i += length;
    }
  }
  return safe;
}

}  // namespace grm
