// Random damage to a valid file: every outcome is a clear refusal or a file all of whose tensors can be read. The debug preset
// runs this under the address and undefined-behaviour sanitizers.
#include <algorithm>
#include <iostream>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "harness/random/philox.h"
#include "model/error.h"
#include "model/weights/safetensors.h"
#include "tests/temporary_folder.h"
#include "tests/model/weights/broken_files.h"

namespace {

using grm::StreamKey;

std::string seed_file() {
  return grm::test::safetensors_bytes(
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[],)"
      R"("data_offsets":[8,10]},"c":{"dtype":"BOOL","shape":[2,0,3],"data_offsets":[10,10]},"d":{"dtype":"U8","shape":[6],)"
      R"("x":[1],"data_offsets":[10,16]}}   )",
      "0123456789abcdef");
}

// One to four edits: a byte changed, a digit or piece of syntax put in, a span removed or doubled.
std::string damaged(std::string bytes, const StreamKey& stream) {
  static const std::string kPieces[] = {"0", "9", "-", "18446744073709551615", "{", "}", "[", "]", ",", ":", "\"", "null",
                                        "1e9", "\"dtype\"", "\"F64\"", "\"I4\"", "\\u0000", "\xC3", " "};
  std::uint32_t draw = 0;
  const auto below = [&](std::size_t bound) {
    return static_cast<std::size_t>(grm::random_below(stream, draw++, static_cast<std::uint32_t>(bound)));
  };
  for (std::size_t edits = 1 + below(4); edits > 0 && !bytes.empty(); --edits) {
    const std::size_t at = below(bytes.size());
    const std::size_t length = std::min(bytes.size() - at, 1 + below(12));
    switch (below(5)) {
      case 0: bytes[at] = static_cast<char>(below(256)); break;
      case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8))); break;
      case 2: bytes.insert(at, kPieces[below(std::size(kPieces))]); break;
      case 3: bytes.erase(at, length); break;
      default: bytes.insert(at, bytes.substr(at, length)); break;
    }
  }
  // Half of the time the length is put right, so that the damage gets past the first check.
  if (below(2) == 0 && bytes.size() > 8) {
    const std::uint64_t header = bytes.size() - 8 - std::min<std::size_t>(16, bytes.size() - 8);
    std::memcpy(bytes.data(), &header, 8);
  }
  return bytes;
}

TEST(SafetensorsFuzz, DamageIsRefusedOrHarmless) {
  const grm::test::TemporaryFolder folder;
  int opened = 0;
  int refused = 0;
  for (std::uint64_t round = 0; round < 6'000; ++round) {
    const std::string bytes = damaged(seed_file(), grm::stream_key(1, "safetensors fuzz", "", round));
    const auto path = folder.write("x.safetensors", bytes);
    try {
      const grm::SafetensorsFile file = grm::SafetensorsFile::open(path);
      ++opened;
      for (const auto& [name, entry] : file.entries()) {
        try {
          const at::Tensor copy = file.tensor(name).clone();  // touches every byte
          ASSERT_EQ(copy.nbytes(), entry.end - entry.begin);
        } catch (const grm::ModelError&) {  // a BOOL byte
        }
      }
    } catch (const grm::ModelError&) {
      ++refused;
    }
  }
  // Both ways are exercised.
  EXPECT_GT(opened, 50);
  EXPECT_GT(refused, 3'000);
  std::cout << opened << " opened, " << refused << " refused\n";
}

}  // namespace
