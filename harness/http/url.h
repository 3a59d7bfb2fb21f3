// URLs, as far as a client needs them: parts, origin, relative references, quoting.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace grm {

struct Url {
  std::string scheme;  // lower case
  std::string host;    // lower case
  std::string port;    // the scheme's default where none is written
  std::string text;    // the whole, normalised

  /// `scheme://host:port`: what may share a token.
  std::string origin() const { return scheme + "://" + host + ":" + port; }
  /// Without query and fragment, which may hold signatures: fit for messages.
  std::string shown() const { return text.substr(0, text.find_first_of("?#")); }
};

/// Nothing when the text is no absolute http or https URL, or holds a user name or password.
std::optional<Url> parse_url(const std::string& text);
/// `reference` as seen from `base` (absolute, or relative as in a Location header).
std::optional<Url> resolve_reference(const Url& base, const std::string& reference);

/// Percent-encodes everything but letters, digits, `-._~` and the characters in `safe`.
std::string percent_encode(std::string_view text, std::string_view safe = "");

}  // namespace grm
