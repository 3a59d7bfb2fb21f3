// The reference forward pass against transformers (tests/goldens/make_decoder.py): every architecture, RoPE type, head width,
// bias, tied and untied head, sliding window and classifier head; fp32 and bf16.
#include <functional>
#include <iostream>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "model/decoder/decoder.h"
#include "model/error.h"
#include "tests/model/decoder/formula_weights.h"
#include "tests/temporary_folder.h"

namespace {

using nlohmann::json;

grm::Decoder load(const json& golden, at::ScalarType stored, at::ScalarType loaded, int shards = 1) {
  const grm::test::TemporaryFolder folder;
  grm::test::write_formula_model(golden, folder.path(), stored, shards);
  return grm::load_decoder(folder.path(), loaded);
}

// Logits of the positions that the golden keeps, [positions, vocabulary or labels].
at::Tensor last_logits(const grm::Decoder& decoder, const json& prompt, const at::Tensor& like) {
  const at::Tensor logits = grm::full_logits(decoder, prompt.at("tokens").get<std::vector<std::int32_t>>());
  EXPECT_EQ(logits.scalar_type(), at::kFloat);
  return logits.slice(0, logits.size(0) - like.size(0));
}

at::Tensor expected(const json& golden, const json& prompt, at::ScalarType dtype) {
  const bool is_fp32 = dtype == at::kFloat;
  const std::int64_t labels = golden["derived"]["num_labels"];
  const std::int64_t width = labels > 0 ? labels : golden["config"]["vocab_size"].get<std::int64_t>();
  return grm::test::unpack(prompt.at(is_fp32 ? "logits_fp32" : "logits_bf16").get<std::string>(), dtype).view({-1, width});
}

double rms(const at::Tensor& x) { return x.to(at::kDouble).square().mean().sqrt().item<double>(); }

class DecoderGolden : public testing::TestWithParam<std::string> {
 protected:
  const json golden_ = grm::test::read_golden(GetParam());
};

TEST_P(DecoderGolden, WeightsAreTransformers) {
  double sum = 0;  // exact: every weight is a multiple of a power of two
  for (const auto& [name, tensor] : grm::test::formula_weights(golden_)) sum += tensor.to(at::kDouble).sum().item<double>();
  EXPECT_DOUBLE_EQ(sum, golden_["weight_sum"].get<double>());
}

TEST_P(DecoderGolden, LogitsInFp32) {
  const grm::Decoder decoder = load(golden_, at::kFloat, at::kFloat);
  double worst = 0;
  for (const json& prompt : golden_["prompts"]) {
    const at::Tensor want = expected(golden_, prompt, at::kFloat);
    const at::Tensor got = last_logits(decoder, prompt, want);
    worst = std::max(worst, (got - want).abs().max().item<double>() / want.abs().max().item<double>());
  }
  // fp32 keeps 6e-8; sums over at most 200 terms in a few dozen steps lose one or two digits of it.
  EXPECT_LT(worst, 2e-5);
  std::cout << GetParam() << ": largest difference / largest logit, fp32: " << worst << "\n";
}

// bf16 keeps 8 bits: our rounding may not stray from the exact result further than transformers' own does, but for a factor.
TEST_P(DecoderGolden, LogitsInBf16) {
  const grm::Decoder decoder = load(golden_, at::kBFloat16, at::kBFloat16);
  double ours = 0;
  double theirs = 0;
  for (const json& prompt : golden_["prompts"]) {
    const at::Tensor exact = expected(golden_, prompt, at::kFloat);
    const at::Tensor rounded = expected(golden_, prompt, at::kBFloat16);
    ours += rms(last_logits(decoder, prompt, exact) - exact) / rms(exact);
    theirs += rms(rounded - exact) / rms(exact);
  }
  const auto prompts = static_cast<double>(golden_["prompts"].size());
  EXPECT_LT(ours / prompts, 2 * theirs / prompts + 2e-3);
  std::cout << GetParam() << ": rms error / rms logit, bf16: " << ours / prompts << " (transformers' " << theirs / prompts << ")\n";
}

INSTANTIATE_TEST_SUITE_P(Transformers, DecoderGolden, testing::ValuesIn(grm::test::golden_names()),
                         [](const auto& instance) { return instance.param; });

// Each greedy token follows from those before it, so one pass over prompt and answer shows all of them.
TEST(Decoder, GreedyTokensAreTransformers) {
  int models = 0;
  for (const std::string& name : grm::test::golden_names()) {
    const json golden = grm::test::read_golden(name);
    if (!golden["prompts"][0].contains("greedy")) continue;
    ++models;
    const grm::Decoder decoder = load(golden, at::kFloat, at::kFloat);
    for (const json& prompt : golden["prompts"]) {
      auto tokens = prompt["tokens"].get<std::vector<std::int32_t>>();
      const auto want = prompt["greedy"].get<std::vector<std::int32_t>>();
      ASSERT_EQ(want.size(), 64u);
      tokens.insert(tokens.end(), want.begin(), want.end());
      const at::Tensor best = grm::full_logits(decoder, tokens).argmax(-1).to(at::kInt);
      const std::int64_t first = best.size(0) - 64 - 1;
      EXPECT_TRUE(at::equal(best.slice(0, first, first + 64), at::tensor(want, at::kInt))) << name;
    }
  }
  EXPECT_GE(models, 8);
}

TEST(Decoder, ShardsGiveTheSameModel) {
  const json golden = grm::test::read_golden("qwen3_yarn");
  const std::vector<std::int32_t> tokens = golden["prompts"][1]["tokens"];
  const at::Tensor one = grm::full_logits(load(golden, at::kFloat, at::kFloat), tokens);
  EXPECT_TRUE(at::equal(one, grm::full_logits(load(golden, at::kFloat, at::kFloat, 3), tokens)));
  EXPECT_TRUE(at::equal(one, grm::full_logits(load(golden, at::kBFloat16, at::kFloat), tokens)));  // the weights are exact in bf16
}

TEST(Decoder, RefusesWeightsThatDoNotFitTheConfiguration) {
  const auto refused = [](const std::string& name, const std::function<void(json&)>& change) {
    json golden = grm::test::read_golden(name);
    change(golden);
    EXPECT_THROW(load(golden, at::kFloat, at::kFloat), grm::ModelError);
  };
  refused("llama_yarn", [](json& golden) { golden["tensors"].erase("model.layers.1.mlp.up_proj.weight"); });
  refused("llama_yarn", [](json& golden) { golden["tensors"].erase("lm_head.weight"); });
  refused("llama_yarn", [](json& golden) { golden["tensors"]["model.norm.weight"] = {63}; });
  refused("llama_yarn", [](json& golden) { golden["config"]["vocab_size"] = 129; });
  refused("llama_yarn", [](json& golden) { golden["config"]["num_hidden_layers"] = 3; });
  refused("llama_bias", [](json& golden) { golden["tensors"].erase("model.layers.0.self_attn.o_proj.bias"); });
  refused("qwen3_head80", [](json& golden) { golden["config"]["head_dim"] = 64; });
  refused("qwen2_classifier", [](json& golden) { golden["config"]["num_labels"] = 3; });
}

}  // namespace
