#include "model/text/checked_json.h"

#include <algorithm>
#include <fstream>
#include <utility>
#include <vector>

#include "model/error.h"

namespace grm {
namespace {

/// Builds the value from parser events, so that depth and duplicate keys are seen while they happen.
class CheckedBuilder : public nlohmann::json_sax<Json> {
 public:
  CheckedBuilder(std::size_t max_depth, Json& root) : max_depth_(max_depth), root_(root) {}

  bool null() override { return put(Json(nullptr)); }
  bool boolean(bool v) override { return put(Json(v)); }
  bool number_integer(number_integer_t v) override { return put(Json(v)); }
  bool number_unsigned(number_unsigned_t v) override { return put(Json(v)); }
  bool number_float(number_float_t v, const string_t&) override { return put(Json(v)); }
  bool string(string_t& v) override { return put(Json(std::move(v))); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& v) override {
    auto& object = stack_.back()->get_ref<Json::object_t&>();
    const auto [slot, inserted] = object.try_emplace(std::move(v));
    if (!inserted) {
      problem = "key \"" + slot->first + "\" appears twice in one object";
      return false;
    }
    slot_ = &slot->second;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e) override {
    problem = "not valid JSON at byte " + std::to_string(position) + ": " + e.what();
    return false;
  }

  std::string problem;

 private:
  Json* place(Json&& v) {
    if (stack_.empty()) {
      root_ = std::move(v);
      return &root_;
    }
    if (stack_.back()->is_array()) {
      stack_.back()->push_back(std::move(v));
      return &stack_.back()->back();
    }
    *slot_ = std::move(v);
    return slot_;
  }
  bool put(Json&& v) {
    place(std::move(v));
    return true;
  }
  bool open(Json&& v) {
    if (stack_.size() >= max_depth_) {
      problem = "nested deeper than " + std::to_string(max_depth_) + " levels";
      return false;
    }
    stack_.push_back(place(std::move(v)));
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }

  std::size_t max_depth_;
  Json& root_;
  std::vector<Json*> stack_;
  Json* slot_ = nullptr;
};

}  // namespace

Json parse_checked_json(std::string_view text, const std::string& name, std::size_t max_depth) {
  Json root;
  CheckedBuilder builder(max_depth, root);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    throw ModelError(name + ": " + (builder.problem.empty() ? "not valid JSON" : builder.problem) +
                     "; fetch the file again or repair it");
  }
  return root;
}

std::string read_text_file(const std::filesystem::path& path, std::size_t max_bytes) {
  std::ifstream in(path, std::ios::binary);
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (!in || error) {
    throw ModelError(path.string() + ": cannot be read" + (error ? " (" + error.message() + ")" : "") +
                     "; is the folder complete?");
  }
  if (size > max_bytes) {
    throw ModelError(path.string() + ": " + std::to_string(size) + " bytes, more than the limit of " + std::to_string(max_bytes));
  }
  std::string text(size, '\0');
  in.read(text.data(), static_cast<std::streamsize>(size));
  if (static_cast<std::size_t>(in.gcount()) != size) {
    throw ModelError(path.string() + ": could read only " + std::to_string(in.gcount()) + " of " + std::to_string(size) +
                     " bytes");
  }
  return text;
}

void JsonPlace::fail(const std::string& what) const { throw ModelError(where + ": " + what); }

void JsonPlace::allow_keys(std::initializer_list<std::string_view> keys) const {
  if (!value.is_object()) {
    fail("expected an object");
  }
  for (const auto& [key, unused] : value.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      fail("unknown field \"" + key + "\": this version cannot know what it changes, so the file is refused");
    }
  }
}

bool JsonPlace::has(std::string_view key) const {
  return value.is_object() && value.contains(key) && !value.find(key)->is_null();
}

JsonPlace JsonPlace::at(std::string_view key) const {
  if (!value.is_object()) {
    fail("expected an object");
  }
  const auto found = value.find(key);
  if (found == value.end()) {
    fail("field \"" + std::string(key) + "\" is missing");
  }
  const bool at_file = where.size() < 2 || where.find(": ") == std::string::npos;
  return {*found, where + (at_file ? ": " : ".") + std::string(key)};
}

JsonPlace JsonPlace::at(std::size_t index) const { return {value.at(index), where + "[" + std::to_string(index) + "]"}; }

std::string JsonPlace::string() const {
  if (!value.is_string()) {
    fail("expected a string, found " + value.dump().substr(0, 80));
  }
  return value.get<std::string>();
}

bool JsonPlace::boolean() const {
  if (!value.is_boolean()) {
    fail("expected true or false, found " + value.dump().substr(0, 80));
  }
  return value.get<bool>();
}

std::int64_t JsonPlace::integer(std::int64_t low, std::int64_t high) const {
  const bool fits = value.is_number_integer() && (!value.is_number_unsigned() || value.get<std::uint64_t>() <= INT64_MAX);
  if (!fits || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high) {
    fail("expected an integer from " + std::to_string(low) + " to " + std::to_string(high) + ", found " +
         value.dump().substr(0, 80));
  }
  return value.get<std::int64_t>();
}

std::optional<std::string> JsonPlace::optional_string_at(std::string_view key) const {
  return has(key) ? std::optional(at(key).string()) : std::nullopt;
}

}  // namespace grm
