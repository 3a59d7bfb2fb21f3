// Text from outside, made fit for a message.
#pragma once

#include <string>
#include <string_view>

namespace grm {

/// Control characters (terminal escapes too) become `?`, and text above `max_bytes` is cut with an ellipsis.
inline std::string shown_text(std::string_view text, std::size_t max_bytes = 300) {
  std::string shown;
  for (const char c : text.substr(0, max_bytes)) shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return text.size() > max_bytes ? shown + "…" : shown;
}

}  // namespace grm
