#include "harness/hub/untrusted_json.h"

#include <set>
#include <vector>

namespace grm {

std::optional<nlohmann::json> parse_untrusted_json(std::string_view text, int max_depth) {
  using Json = nlohmann::json;
  bool refused = false;
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto look = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > max_depth) refused = true;
    if (refused) return false;  // prunes: what is nested too deep is never built
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) refused = true;
    return true;
  };
  Json value = Json::parse(text.begin(), text.end(), look, false);
  if (refused || value.is_discarded()) return std::nullopt;
  return value;
}

std::optional<std::string> text_member(const nlohmann::json& object, const char* name) {
  if (!object.is_object()) return std::nullopt;
  const auto member = object.find(name);
  if (member == object.end() || !member->is_string()) return std::nullopt;
  return member->get<std::string>();
}

std::optional<std::uint64_t> count_member(const nlohmann::json& object, const char* name) {
  if (!object.is_object()) return std::nullopt;
  const auto member = object.find(name);
  if (member == object.end() || !member->is_number_unsigned()) return std::nullopt;
  const auto count = member->get<std::uint64_t>();
  if (count > (std::uint64_t{1} << 53U)) return std::nullopt;
  return count;
}

}  // namespace grm
