#pragma once

#include <ctime>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "model/text/jinja.h"

namespace grm {

struct ChatOptions {
  bool add_generation_prompt = true;
  /// More variables for the template, such as {"enable_thinking": false} or {"tools": […]}.
  nlohmann::ordered_json variables = nlohmann::ordered_json::object();
  /// What strftime_now tells; Llama-3.1's template prints it.
  std::optional<std::tm> now;
};

/// A model folder's chat template with its special tokens, rendering as transformers' apply_chat_template does.
/// The rendered text holds BOS where the model wants one: encode it without special tokens.
class ChatTemplate {
 public:
  /// Looks, in this order, for chat_template.jinja (and additional_chat_templates/NAME.jinja), `chat_template` in
  /// tokenizer_config.json (a string or a list of {name, template}), chat_template.json. `name` chooses among several.
  /// Throws ModelError, also when the folder has no template.
  static ChatTemplate load(const std::filesystem::path& folder, const std::string& name = "default");

  ChatTemplate(std::string source, std::string name, std::map<std::string, std::string> special_tokens);

  /// `messages`: a list of objects with `role` and `content`. Throws ModelError with the template's name and line.
  std::string render(const nlohmann::ordered_json& messages, const ChatOptions& options = {}) const;

  /// The template's text, for a hash in a run's manifest.
  const std::string& source() const { return template_.source(); }
  /// bos_token, eos_token, … as the folder names them.
  const std::map<std::string, std::string>& special_tokens() const { return special_tokens_; }

 private:
  JinjaTemplate template_;
  std::string name_;
  std::map<std::string, std::string> special_tokens_;
};

/// Special tokens of a folder by name, from tokenizer_config.json or else special_tokens_map.json; empty without either.
std::map<std::string, std::string> read_special_tokens(const std::filesystem::path& folder);

}  // namespace grm
