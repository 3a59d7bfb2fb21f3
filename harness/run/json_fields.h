// Reading the fields of one JSON object with their place in the message; what nobody asked for is an error.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "harness/error.h"

namespace grm {

class JsonFields {
 public:
  JsonFields(const nlohmann::json& object, std::string place) : object_(object), place_(std::move(place)) {
    if (!object.is_object()) throw UserError(fmt::format("{}: must be a JSON object", place_));
  }

  /// The field's JSON. Throws UserError when it is absent.
  const nlohmann::json& at(const std::string& name) {
    asked_.insert(name);
    const auto found = object_.find(name);
    if (found == object_.end()) throw UserError(fmt::format("{}: field \"{}\" is missing", place_, name));
    return *found;
  }

  /// bool, std::string, an integer in its type's range, or a finite double.
  template <class T>
  T get(const std::string& name) {
    return convert<T>(at(name), name);
  }

  /// The same; null gives nothing.
  template <class T>
  std::optional<T> get_optional(const std::string& name) {
    const nlohmann::json& value = at(name);
    if (value.is_null()) return std::nullopt;
    return convert<T>(value, name);
  }

  template <class T>
  std::vector<T> get_list(const std::string& name) {
    const nlohmann::json& value = at(name);
    if (!value.is_array()) wrong(name, "a list", value);
    std::vector<T> list;
    list.reserve(value.size());
    for (const nlohmann::json& element : value) list.push_back(convert<T>(element, name));
    return list;
  }

  JsonFields object(const std::string& name) { return JsonFields(at(name), place(name)); }

  std::string place(const std::string& name) const { return place_ + ": " + name; }

  bool has(const std::string& name) const { return object_.contains(name); }

  /// Names a field that may be there and is not read.
  void ignore(const std::string& name) { asked_.insert(name); }

  /// Call last. Throws UserError on a field that nobody asked for.
  void refuse_unknown() const {
    for (const auto& [name, value] : object_.items()) {
      if (!asked_.contains(name)) throw UserError(fmt::format("{}: unknown field \"{}\"", place_, name));
    }
  }

  [[noreturn]] void wrong(const std::string& name, const std::string& expected, const nlohmann::json& value) const {
    std::string shown = value.is_structured() ? std::string(value.type_name()) : value.dump();
    if (shown.size() > 80) shown = shown.substr(0, 80) + "…";
    throw UserError(fmt::format("{}: field \"{}\" must be {}, it is {}", place_, name, expected, shown));
  }

 private:
  template <class T>
  T convert(const nlohmann::json& value, const std::string& name) const {
    if constexpr (std::is_same_v<T, bool>) {
      if (!value.is_boolean()) wrong(name, "true or false", value);
      return value.get<bool>();
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (!value.is_string()) wrong(name, "a text", value);
      return value.get<std::string>();
    } else if constexpr (std::is_floating_point_v<T>) {
      if (!value.is_number()) wrong(name, "a number", value);
      return value.get<T>();
    } else {
      static_assert(std::is_integral_v<T>);
      if (!value.is_number_integer() || !fits<T>(value)) wrong(name, "an integer in range", value);
      return value.get<T>();
    }
  }

  template <class T>
  static bool fits(const nlohmann::json& value) {
    return value.is_number_unsigned() ? std::in_range<T>(value.get<std::uint64_t>()) : std::in_range<T>(value.get<std::int64_t>());
  }

  const nlohmann::json& object_;
  std::string place_;
  std::set<std::string> asked_;
};

}  // namespace grm
