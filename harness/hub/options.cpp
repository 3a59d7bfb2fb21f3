#include "harness/hub/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <initializer_list>

#include "harness/error.h"
#include "harness/files/atomic_file.h"
#include "harness/hub/shown_text.h"

namespace grm {
namespace {

/// The value of the first variable that is set and not empty.
std::optional<std::string> first_of(const EnvironmentLookup& lookup, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    auto value = lookup(name);
    if (value && !value->empty()) return value;
  }
  return std::nullopt;
}

bool is_true(const EnvironmentLookup& lookup, const char* name) {
  std::string value = lookup(name).value_or("");
  std::transform(value.begin(), value.end(), value.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

long seconds_from(const EnvironmentLookup& lookup, const char* name, long otherwise) {
  const auto text = first_of(lookup, {name});
  if (!text) return otherwise;
  long seconds = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, seconds);
  if (error != std::errc{} || stop != end || seconds < 1 || seconds > 86400) {
    throw UserError(fmt::format("{}='{}': expected whole seconds from 1 to 86400", name, shown_text(*text)));
  }
  return seconds;
}

std::filesystem::path home_folder(const EnvironmentLookup& lookup) {
  const auto home = first_of(lookup, {"HOME"});
  if (!home) throw UserError("HOME is not set: set it, or HF_HOME, to say where downloads are kept");
  return *home;
}

/// `~` and `~/…` are the user's folder, as in huggingface_hub.
std::filesystem::path as_path(const EnvironmentLookup& lookup, const std::string& text) {
  if (text == "~") return home_folder(lookup);
  if (text.substr(0, 2) == "~/") return home_folder(lookup) / text.substr(2);
  return std::filesystem::absolute(text);
}

std::filesystem::path hub_home(const EnvironmentLookup& lookup) {
  if (const auto home = first_of(lookup, {"HF_HOME"})) return as_path(lookup, *home);
  if (const auto cache = first_of(lookup, {"XDG_CACHE_HOME"})) return as_path(lookup, *cache) / "huggingface";
  return home_folder(lookup) / ".cache" / "huggingface";
}

std::string without_surrounding_blanks(std::string text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::string token_from(const EnvironmentLookup& lookup) {
  if (is_true(lookup, "HF_HUB_DISABLE_IMPLICIT_TOKEN")) return {};
  std::string source = "HF_TOKEN";
  std::string token = first_of(lookup, {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}).value_or("");
  if (token.empty()) {
    const auto named = first_of(lookup, {"HF_TOKEN_PATH"});
    if (!named && !first_of(lookup, {"HF_HOME", "XDG_CACHE_HOME", "HOME"})) return {};
    const auto path = named ? as_path(lookup, *named) : hub_home(lookup) / "token";
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored)) return {};
    token = read_file(path, 64U << 10U);
    source = path.string();
  }
  token = without_surrounding_blanks(std::move(token));
  // A line break inside would let the value become a header of its own. The value itself is a secret: not shown.
  const bool plain = std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!plain)
    throw UserError(fmt::format("the token in {} holds characters no token has; it begins with hf_ and is one word", source));
  return token;
}

Url endpoint_from(const EnvironmentLookup& lookup) {
  std::string text = first_of(lookup, {"HF_ENDPOINT"}).value_or("https://huggingface.co");
  while (!text.empty() && text.back() == '/') text.pop_back();
  const auto url = parse_url(text);
  if (!url || text.find_first_of("?#") != std::string::npos) {
    throw UserError("HF_ENDPOINT is no usable address: expected http(s)://HOST[:PORT] without user name, password or query");
  }
  Url endpoint = *url;
  while (!endpoint.text.empty() && endpoint.text.back() == '/') endpoint.text.pop_back();
  return endpoint;
}

}  // namespace

HubOptions hub_options_from(const EnvironmentLookup& lookup) {
  HubOptions options;
  options.endpoint = endpoint_from(lookup);
  options.token = token_from(lookup);
  options.ca_file = first_of(lookup, {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}).value_or("");
  const auto cache = first_of(lookup, {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"});
  options.cache = cache ? as_path(lookup, *cache) : hub_home(lookup) / "hub";
  options.offline = is_true(lookup, "HF_HUB_OFFLINE") || is_true(lookup, "TRANSFORMERS_OFFLINE");
  options.copy_instead_of_links = is_true(lookup, "HF_HUB_DISABLE_SYMLINKS");
  options.metadata_timeout_seconds = seconds_from(lookup, "HF_HUB_ETAG_TIMEOUT", 10);
  options.download_timeout_seconds = seconds_from(lookup, "HF_HUB_DOWNLOAD_TIMEOUT", 10);
  return options;
}

HubOptions hub_options_from_environment() {
  return hub_options_from([](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  });
}

}  // namespace grm
