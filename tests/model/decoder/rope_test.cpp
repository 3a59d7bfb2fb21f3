// RoPE frequencies against transformers (tests/goldens/rope.json, made by make_decoder.py).
#include <bit>
#include <cmath>
#include <fstream>
#include <iostream>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "model/decoder/config.h"
#include "tests/model/decoder/formula_weights.h"
#include "tests/temporary_folder.h"

namespace {

using nlohmann::json;

// Distance of two positive floats in units in the last place.
std::int64_t ulps(float a, float b) {
  return std::abs(std::int64_t{std::bit_cast<std::int32_t>(a)} - std::int64_t{std::bit_cast<std::int32_t>(b)});
}

TEST(RopeFrequencies, EqualTransformersForEveryType) {
  std::ifstream file(GRM_SOURCE_DIR "/tests/goldens/rope.json");
  const json cases = json::parse(file);
  ASSERT_GE(cases.size(), 40u);
  std::int64_t total = 0;
  std::int64_t unequal = 0;
  for (const json& golden : cases) {
    SCOPED_TRACE(golden.dump().substr(0, 300));
    const grm::test::TemporaryFolder folder;
    const json config = {{"model_type", "qwen3"}, {"vocab_size", 8}, {"hidden_size", 64}, {"intermediate_size", 8},
                         {"num_hidden_layers", 1}, {"num_attention_heads", 2}, {"num_key_value_heads", 2},
                         {"head_dim", golden["head_dim"]}, {"max_position_embeddings", golden["max_position_embeddings"]},
                         {"rope_parameters", golden["rope_parameters"]}};
    folder.write("config.json", config.dump());
    const grm::DecoderConfig ours = grm::load_decoder_config(folder.path());
    EXPECT_DOUBLE_EQ(grm::rope_attention_scale(ours.rope), golden["attention_scale"].get<double>());
    const at::Tensor got = grm::rope_inverse_frequencies(ours.rope, ours.head_dim);
    const at::Tensor want = grm::test::unpack(golden["inverse_frequencies"].get<std::string>());
    ASSERT_EQ(got.scalar_type(), at::kFloat);
    ASSERT_EQ(got.sizes(), want.sizes());
    for (std::int64_t i = 0; i < want.numel(); ++i) {
      const std::int64_t distance = ulps(got[i].item<float>(), want[i].item<float>());
      // Equal with the same libtorch on the same kind of CPU; another vector unit may round pow differently.
      EXPECT_LE(distance, 4) << "frequency " << i;
      total += 1;
      unequal += distance != 0;
    }
  }
  std::cout << "frequencies not bit-equal to transformers': " << unequal << " of " << total << "\n";
}

}  // namespace
