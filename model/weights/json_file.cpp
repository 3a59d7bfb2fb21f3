#include "model/weights/json_file.h"

#include <fstream>
#include <unordered_set>
#include <vector>

#include "model/error.h"

namespace grm {

nlohmann::json parse_json(std::string_view text, const std::string& where) {
  // The lexer takes a NUL byte for the end of the input, so that whatever follows would be ignored.
  if (text.find('\0') != std::string_view::npos) throw ModelError(where + ": not JSON: it contains a NUL byte");
  std::vector<std::unordered_set<std::string>> keys;
  const auto check = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (depth > kMaxJsonDepth) throw ModelError(where + ": nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(parsed.get_ref<const std::string&>()).second) {
      throw ModelError(where + ": key \"" + parsed.get_ref<const std::string&>() + "\" occurs twice in one object");
    }
    return true;
  };
  try {
    return nlohmann::json::parse(text, check);
  } catch (const nlohmann::json::exception& error) {
    throw ModelError(where + ": not valid JSON: " + error.what());
  }
}

nlohmann::json read_json_file(const std::filesystem::path& path, std::size_t max_bytes) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) throw ModelError(path.string() + ": no such file");
  const auto size = std::filesystem::file_size(path, error);
  if (error) throw ModelError(path.string() + ": cannot be read: " + error.message());
  if (size > max_bytes) {
    throw ModelError(path.string() + ": " + std::to_string(size) + " bytes are too many for JSON (at most " +
                     std::to_string(max_bytes) + ")");
  }
  std::string text(size, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(text.data(), static_cast<std::streamsize>(size));
  if (!file || file.gcount() != static_cast<std::streamsize>(size)) throw ModelError(path.string() + ": cannot be read");
  return parse_json(text, path.string());
}

}  // namespace grm
