#include "model/text/chat_template.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "model/error.h"
#include "model/text/checked_json.h"

namespace grm {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = std::size_t{64} << 20;
constexpr const char* kTokenNames[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                       "pad_token", "cls_token", "mask_token"};

std::optional<Json> read_json(const fs::path& path) {
  if (!fs::exists(path)) {
    return std::nullopt;
  }
  Json json = parse_checked_json(read_text_file(path, kMaxFile), path.string());
  if (!json.is_object()) {
    throw ModelError(path.string() + ": expected an object");
  }
  return json;
}

/// A token is a string or an object with `content`.
std::optional<std::string> token_text(const JsonPlace& file, const char* name) {
  if (!file.has(name)) {
    return std::nullopt;
  }
  const JsonPlace place = file.at(name);
  return place.value.is_object() ? place.string_at("content") : place.string();
}

struct Found {
  std::string source;
  std::string name;
};

/// `chat_template` of a configuration: a string is the default one.
std::optional<Found> template_in(const fs::path& path, const std::string& wanted, std::vector<std::string>& others) {
  const std::optional<Json> json = read_json(path);
  if (!json) {
    return std::nullopt;
  }
  const JsonPlace file{*json, path.string()};
  if (!file.has("chat_template")) {
    return std::nullopt;
  }
  const JsonPlace place = file.at("chat_template");
  if (!place.value.is_array()) {
    others.push_back("default");
    return wanted == "default" ? std::optional(Found{place.string(), path.string()}) : std::nullopt;
  }
  for (std::size_t i = 0; i < place.value.size(); ++i) {
    const std::string name = place.at(i).string_at("name");
    if (name == wanted) {
      return Found{place.at(i).string_at("template"), path.string() + " (" + name + ")"};
    }
    others.push_back(name);
  }
  return std::nullopt;
}

std::optional<Found> template_file(const fs::path& path) {
  return fs::exists(path) ? std::optional(Found{read_text_file(path, kMaxFile), path.string()}) : std::nullopt;
}

Found find_template(const fs::path& folder, const std::string& wanted) {
  std::vector<std::string> others;
  if (wanted.find_first_of("/\\") != std::string::npos || wanted.starts_with('.')) {
    throw ModelError(folder.string() + ": chat template name \"" + wanted + "\" is not a plain name");
  }
  const fs::path file =
      wanted == "default" ? folder / "chat_template.jinja" : folder / "additional_chat_templates" / (wanted + ".jinja");
  if (auto found = template_file(file)) {
    return *found;
  }
  for (const char* name : {"tokenizer_config.json", "chat_template.json"}) {
    if (auto found = template_in(folder / name, wanted, others)) {
      return *found;
    }
  }
  std::string known;
  for (const std::string& name : others) {
    known += (known.empty() ? "; it has: " : ", ") + name;
  }
  throw ModelError(folder.string() + ": no chat template \"" + wanted +
                   "\" in chat_template.jinja, tokenizer_config.json or chat_template.json" + known +
                   ". A base model has none: take an instruction-tuned one, or put a chat_template.jinja into the folder");
}

}  // namespace

std::map<std::string, std::string> read_special_tokens(const fs::path& folder) {
  std::map<std::string, std::string> out;
  for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
    const std::optional<Json> json = read_json(folder / name);
    for (const char* token : kTokenNames) {
      if (json && !out.contains(token)) {
        if (const auto text = token_text({*json, (folder / name).string()}, token)) {
          out.emplace(token, *text);
        }
      }
    }
  }
  return out;
}

ChatTemplate::ChatTemplate(std::string source, std::string name, std::map<std::string, std::string> special_tokens)
    : template_(std::move(source), name), name_(std::move(name)), special_tokens_(std::move(special_tokens)) {}

ChatTemplate ChatTemplate::load(const fs::path& folder, const std::string& name) {
  Found found = find_template(folder, name);
  return {std::move(found.source), std::move(found.name), read_special_tokens(folder)};
}

std::string ChatTemplate::render(const nlohmann::ordered_json& messages, const ChatOptions& options) const {
  if (!messages.is_array() || messages.empty()) {
    throw ModelError("template " + name_ + ": messages must be a list with at least one message");
  }
  nlohmann::ordered_json variables = nlohmann::ordered_json::object();
  for (const auto& [token, text] : special_tokens_) {
    variables[token] = text;
  }
  variables["tools"] = nullptr;
  variables["documents"] = nullptr;
  variables["add_generation_prompt"] = options.add_generation_prompt;
  for (const auto& [key, value] : options.variables.items()) {
    variables[key] = value;
  }
  nlohmann::ordered_json& chat = variables["messages"] = nlohmann::ordered_json::array();
  for (const auto& message : messages) {
    if (!message.is_object()) {
      throw ModelError("template " + name_ + ": a message must be an object with role and content, found " +
                       message.dump().substr(0, 80));
    }
    // transformers drops what is null, and reads a message's reasoning under several names.
    nlohmann::ordered_json kept = nlohmann::ordered_json::object();
    const nlohmann::ordered_json* reasoning = nullptr;
    for (const char* field : {"reasoning_content", "thinking", "reasoning"}) {
      if (reasoning == nullptr && message.contains(field) && !message.find(field)->is_null()) {
        reasoning = &*message.find(field);
      }
    }
    if (reasoning != nullptr) {
      kept["thinking"] = *reasoning;
    }
    for (const auto& [key, value] : message.items()) {
      if (!value.is_null()) {
        kept[key] = value;
      }
    }
    if (reasoning != nullptr) {
      kept["reasoning_content"] = *reasoning;
    }
    chat.push_back(std::move(kept));
  }
  return template_.render(variables, options.now);
}

}  // namespace grm
