// Safetensors files made byte by byte, so that each can break one rule.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

namespace grm::test {

/// 8 bytes of length, the header, the data; `length` overrides the true header length.
inline std::string safetensors_bytes(const std::string& header, const std::string& data, std::uint64_t length = UINT64_MAX) {
  if (length == UINT64_MAX) length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

}  // namespace grm::test
