// config.json → DecoderConfig: what transformers derives is derived, and what cannot be run is refused by name and value.
#include "model/decoder/config.h"

#include <functional>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/error.h"
#include "tests/model/decoder/formula_weights.h"
#include "tests/temporary_folder.h"

namespace {

using grm::DecoderConfig;
using grm::test::TemporaryFolder;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

json llama() {
  return {{"architectures", {"LlamaForCausalLM"}}, {"model_type", "llama"}, {"hidden_act", "silu"}, {"vocab_size", 100},
          {"hidden_size", 64}, {"intermediate_size", 96}, {"num_hidden_layers", 3}, {"num_attention_heads", 4},
          {"num_key_value_heads", 2}, {"max_position_embeddings", 256}, {"rms_norm_eps", 1e-5}, {"bos_token_id", 1},
          {"eos_token_id", 2}, {"torch_dtype", "bfloat16"}};
}

json with(json config, const json& changes) {
  config.update(changes);
  return config;
}

json qwen(const std::string& version, const json& changes = json::object()) {
  return with(llama(), with({{"architectures", {"Qwen" + version + "ForCausalLM"}}, {"model_type", "qwen" + version}}, changes));
}

DecoderConfig load(const json& config, const std::string& generation = "") {
  const TemporaryFolder folder;
  folder.write("config.json", config.dump());
  if (!generation.empty()) folder.write("generation_config.json", generation);
  return grm::load_decoder_config(folder.path());
}

// The message of the refusal, which must name the file.
std::string refusal(const json& config, const std::string& generation = "") {
  try {
    load(config, generation);
  } catch (const grm::ModelError& error) {
    EXPECT_THAT(error.what(), HasSubstr("config.json"));
    return error.what();
  }
  return "accepted";
}

std::string refusal_of_text(const std::string& text) {
  const TemporaryFolder folder;
  folder.write("config.json", text);
  try {
    grm::load_decoder_config(folder.path());
  } catch (const grm::ModelError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(DecoderConfig, AgreesWithTransformersOnEveryGolden) {
  ASSERT_GE(grm::test::golden_names().size(), 20u);
  for (const std::string& name : grm::test::golden_names()) {
    SCOPED_TRACE(name);
    const json golden = grm::test::read_golden(name);
    const json& derived = golden["derived"];
    const DecoderConfig config = load(golden["config"]);
    EXPECT_EQ(config.head_dim, derived["head_dim"].get<std::int64_t>());
    EXPECT_EQ(config.sliding_window, derived["sliding_window"].get<std::vector<std::int64_t>>());
    EXPECT_EQ(config.num_labels, derived["num_labels"].get<std::int64_t>());
    EXPECT_DOUBLE_EQ(grm::rope_attention_scale(config.rope), derived["attention_scale"].get<double>());
    const at::Tensor frequencies = grm::test::unpack(derived["inverse_frequencies"].get<std::string>());
    EXPECT_TRUE(at::allclose(grm::rope_inverse_frequencies(config.rope, config.head_dim), frequencies, 5e-7, 0));
    const auto has = [&](const char* tensor) { return golden["tensors"].contains(tensor); };
    EXPECT_EQ(config.qkv_bias, has("model.layers.0.self_attn.q_proj.bias"));
    EXPECT_EQ(config.o_bias, has("model.layers.0.self_attn.o_proj.bias"));
    EXPECT_EQ(config.mlp_bias, has("model.layers.0.mlp.up_proj.bias"));
    EXPECT_EQ(config.qk_norm, has("model.layers.0.self_attn.q_norm.weight"));
    EXPECT_EQ(config.tied_embeddings || config.num_labels > 0, !has("lm_head.weight"));
  }
}

TEST(DecoderConfig, ReadsLlamaAsTransformers4WroteIt) {
  const json changes = {{"rope_theta", 100000.0}, {"tie_word_embeddings", true}, {"pad_token_id", 7}};
  const DecoderConfig config = load(with(llama(), changes));
  EXPECT_EQ(config.architecture, grm::Architecture::kLlama);
  EXPECT_EQ(config.vocab_size, 100);
  EXPECT_EQ(config.intermediate_size, 96);
  EXPECT_EQ(config.num_layers, 3);
  EXPECT_EQ(config.num_kv_heads, 2);
  EXPECT_EQ(config.head_dim, 16);
  EXPECT_EQ(config.max_position, 256);
  EXPECT_EQ(config.rms_norm_eps, 1e-5);
  EXPECT_EQ(config.rope.theta, 100000);
  EXPECT_EQ(config.rope.type, grm::RopeType::kDefault);
  EXPECT_TRUE(config.tied_embeddings);
  EXPECT_EQ(config.dtype, "bfloat16");
  EXPECT_THAT(config.eos_token_ids, ElementsAre(2));
  EXPECT_EQ(config.bos_token_id, 1);
  EXPECT_EQ(config.pad_token_id, 7);
  EXPECT_EQ(config.num_labels, 0);
  EXPECT_THAT(config.sliding_window, ElementsAre(0, 0, 0));
}

TEST(DecoderConfig, TakesTheArchitectureFromEitherField) {
  json config = qwen("2");
  config.erase("architectures");
  EXPECT_EQ(load(config).architecture, grm::Architecture::kQwen2);
  config = qwen("3");
  config.erase("model_type");
  EXPECT_EQ(load(config).architecture, grm::Architecture::kQwen3);
  EXPECT_EQ(load(config).head_dim, 128);  // Qwen3's default, not hidden_size / num_heads
}

TEST(DecoderConfig, DefaultsOfKeyValueHeads) {
  json config = llama();
  config.erase("num_key_value_heads");
  EXPECT_EQ(load(config).num_kv_heads, 4);
  config = qwen("2");
  config["num_key_value_heads"] = nullptr;
  EXPECT_EQ(load(config).num_kv_heads, 4);
  config.erase("num_key_value_heads");
  EXPECT_THAT(refusal(config), HasSubstr("num_key_value_heads is absent"));
}

TEST(DecoderConfig, EndOfTextFromGenerationConfigFirst) {
  EXPECT_THAT(load(llama(), R"({"eos_token_id": [5, 6]})").eos_token_ids, ElementsAre(5, 6));
  EXPECT_THAT(load(llama(), R"({"eos_token_id": 5})").eos_token_ids, ElementsAre(5));
  EXPECT_THAT(load(llama(), R"({"do_sample": true})").eos_token_ids, ElementsAre(2));
  EXPECT_THAT(load(with(llama(), {{"eos_token_id", nullptr}})).eos_token_ids, ElementsAre());
  EXPECT_THAT(refusal(llama(), R"({"eos_token_id": 100})"), HasSubstr("generation_config.json: eos_token_id is 100"));
  EXPECT_THAT(refusal(llama(), R"({"eos_token_id": [1, "2"]})"), HasSubstr("eos_token_id"));
  EXPECT_THAT(refusal(llama(), "{"), HasSubstr("generation_config.json: not valid JSON"));
  EXPECT_FALSE(load(with(llama(), {{"pad_token_id", -1}})).pad_token_id.has_value());
}

TEST(DecoderConfig, RopeOfBothGenerations) {
  const json yarn = {{"rope_type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 64}};
  const DecoderConfig v4 = load(with(llama(), {{"rope_scaling", yarn}, {"rope_theta", 5000}}));
  const DecoderConfig v5 = load(with(llama(), {{"rope_parameters", with(yarn, {{"rope_theta", 5000.0}})}}));
  for (const DecoderConfig& config : {v4, v5}) {
    EXPECT_EQ(config.rope.type, grm::RopeType::kYarn);
    EXPECT_EQ(config.rope.theta, 5000);
    EXPECT_EQ(config.rope.factor, 4);
    EXPECT_EQ(config.rope.original_max_position, 64);
  }
  EXPECT_EQ(load(with(llama(), {{"rope_scaling", {{"type", "linear"}, {"factor", 2}}}})).rope.type, grm::RopeType::kLinear);
  EXPECT_EQ(load(with(llama(), {{"rope_scaling", nullptr}})).rope.theta, 10000);
  // The context before scaling: beside the object first, then in it, then max_position_embeddings.
  const DecoderConfig beside = load(with(llama(), {{"rope_scaling", yarn}, {"original_max_position_embeddings", 32}}));
  EXPECT_EQ(beside.rope.original_max_position, 32);
  json without = yarn;
  without.erase("original_max_position_embeddings");
  EXPECT_EQ(load(with(llama(), {{"rope_scaling", without}})).rope.original_max_position, 256);
  without["original_max_position_embeddings"] = 64;
  without["factor"] = nullptr;
  EXPECT_EQ(load(with(llama(), {{"rope_scaling", without}})).rope.factor, 4);
}

TEST(DecoderConfig, SlidingWindow) {
  const json on = {{"use_sliding_window", true}, {"sliding_window", 8}, {"max_window_layers", 1}};
  EXPECT_THAT(load(qwen("2", on)).sliding_window, ElementsAre(0, 8, 8));
  EXPECT_THAT(load(qwen("3", on)).sliding_window, ElementsAre(0, 8, 8));
  EXPECT_THAT(load(with(llama(), on)).sliding_window, ElementsAre(0, 0, 0));  // Llama does not know it
  EXPECT_THAT(load(qwen("2", with(on, {{"use_sliding_window", false}}))).sliding_window, ElementsAre(0, 0, 0));
  EXPECT_THAT(load(qwen("2", with(on, {{"sliding_window", nullptr}}))).sliding_window, ElementsAre(0, 0, 0));
  const json types = {"sliding_attention", "full_attention", "sliding_attention"};
  EXPECT_THAT(load(qwen("2", with(on, {{"layer_types", types}}))).sliding_window, ElementsAre(8, 0, 8));
  EXPECT_THAT(refusal(qwen("2", {{"layer_types", types}})), HasSubstr("layer_types"));
  EXPECT_THAT(refusal(qwen("2", {{"layer_types", {"full_attention"}}})), HasSubstr("one entry for each of the 3 layers"));
  EXPECT_THAT(refusal(qwen("2", {{"layer_types", {"full_attention", "linear_attention", 3}}})), HasSubstr("supported are"));
}

TEST(DecoderConfig, Classifiers) {
  const json classifier = qwen("3", {{"architectures", {"Qwen3ForSequenceClassification"}}});
  EXPECT_EQ(load(classifier).num_labels, 2);
  EXPECT_EQ(load(with(classifier, {{"num_labels", 5}})).num_labels, 5);
  EXPECT_EQ(load(with(classifier, {{"id2label", {{"0", "a"}}}})).num_labels, 1);
  EXPECT_THAT(refusal(with(classifier, {{"id2label", json::object()}})), HasSubstr("id2label"));
  EXPECT_THAT(refusal(with(classifier, {{"num_labels", 0}})), HasSubstr("num_labels is 0"));
}

struct Refused {
  json changes;
  std::string message;
};

TEST(DecoderConfig, RefusesWithFieldAndValue) {
  const Refused cases[] = {
      {{{"architectures", {"MistralForCausalLM"}}}, "architectures is [\"MistralForCausalLM\"]: supported are"},
      {{{"architectures", {"LlamaForTokenClassification"}}}, "supported are"},
      {{{"architectures", {"LlamaForCausalLM", "X"}}}, "architectures is"},
      {{{"architectures", "LlamaForCausalLM"}}, "must be a list of one class name"},
      {{{"model_type", "qwen2"}}, "model_type is \"qwen2\": does not belong to architecture LlamaForCausalLM"},
      {{{"hidden_act", "gelu"}}, "hidden_act is \"gelu\": only \"silu\""},
      {{{"quantization_config", {{"quant_method", "gptq"}}}}, "quantization_config is {\"quant_method\":\"gptq\"}"},
      {{{"per_layer_config", json::array({1})}}, "per_layer_config"},
      {{{"vocab_size", nullptr}}, "vocab_size is absent: the field is needed"},
      {{{"vocab_size", 0}}, "vocab_size is 0"},
      {{{"vocab_size", -5}}, "vocab_size is -5"},
      {{{"vocab_size", 1e9}}, "vocab_size is 1000000000.0"},
      {{{"vocab_size", 18446744073709551615u}}, "vocab_size is 18446744073709551615"},
      {{{"hidden_size", "64"}}, "hidden_size is \"64\""},
      {{{"hidden_size", 100000000}}, "hidden_size is 100000000"},
      {{{"num_hidden_layers", 1000000000}}, "num_hidden_layers is 1000000000"},
      {{{"num_attention_heads", 0}}, "num_attention_heads is 0"},
      {{{"num_attention_heads", 5}, {"num_key_value_heads", 5}}, "does not divide hidden_size = 64"},
      {{{"num_key_value_heads", 3}}, "num_key_value_heads is 3: does not divide num_attention_heads = 4"},
      {{{"num_key_value_heads", 8}}, "num_key_value_heads is 8"},
      {{{"head_dim", 15}}, "head_dim is 15"},
      {{{"head_dim", 0}}, "head_dim is 0"},
      {{{"hidden_size", 4194304}, {"num_attention_heads", 2}, {"num_key_value_heads", 2}}, "at most 8192"},
      {{{"max_position_embeddings", 0}}, "max_position_embeddings is 0"},
      {{{"rms_norm_eps", -1e-5}}, "rms_norm_eps is -1e-05"},
      {{{"rms_norm_eps", "x"}}, "rms_norm_eps is \"x\""},
      {{{"tie_word_embeddings", 1}}, "tie_word_embeddings is 1"},
      {{{"attention_bias", "no"}}, "attention_bias is \"no\""},
      {{{"partial_rotary_factor", 0.5}}, "partial_rotary_factor is 0.5"},
      {{{"rope_theta", 0}}, "rope_theta is 0"},
      {{{"rope_parameters", 3}}, "rope_parameters. is not a JSON object"},
      {{{"rope_parameters", {{"rope_type", "longrope"}}}}, "rope_parameters.rope_type is \"longrope\""},
      {{{"rope_scaling", {{"type", "dynamic"}, {"factor", 2}}}}, "rope_scaling.type is \"dynamic\""},
      {{{"rope_scaling", {{"type", "linear"}}}}, "rope_scaling.factor is absent"},
      {{{"rope_scaling", {{"type", "linear"}, {"factor", 0}}}}, "rope_scaling.factor is 0"},
      {{{"rope_parameters", {{"partial_rotary_factor", 0.25}}}}, "rope_parameters.partial_rotary_factor is 0.25"},
      {{{"rope_parameters", {{"full_attention", {{"rope_theta", 1e4}}}}}}, "differs by layer type"},
      {{{"rope_parameters", {{"rope_type", "llama3"}, {"factor", 8}}}}, "low_freq_factor is absent"},
      {{{"rope_parameters", {{"rope_type", "llama3"}, {"factor", 8}, {"low_freq_factor", 4}, {"high_freq_factor", 4}}}},
       "must be above low_freq_factor"},
      {{{"rope_parameters", {{"rope_type", "yarn"}}}}, "rope_parameters.factor is absent"},
      {{{"rope_parameters", {{"rope_type", "yarn"}, {"factor", 2}, {"truncate", nullptr}}}}, "truncate"},
      {{{"rope_parameters", {{"rope_type", "yarn"}, {"factor", 2}, {"rope_theta", 1}}}}, "rope_theta is 1"},
      {{{"eos_token_id", -3}}, "eos_token_id is -3"},
      {{{"bos_token_id", 100}}, "bos_token_id is 100"},
      {{{"dtype", 16}}, "dtype is 16"},
  };
  for (const Refused& refused : cases) {
    EXPECT_THAT(refusal(with(llama(), refused.changes)), HasSubstr(refused.message)) << refused.changes.dump();
  }
}

TEST(DecoderConfig, RefusesBrokenFiles) {
  EXPECT_THAT(refusal_of_text(""), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal_of_text("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal_of_text(R"({"vocab_size": 1, "vocab_size": 2})"), HasSubstr("\"vocab_size\" occurs twice"));
  EXPECT_THAT(refusal_of_text(llama().dump() + std::string(1, '\0') + "x"), HasSubstr("NUL"));
  EXPECT_THAT(refusal_of_text(llama().dump() + "x"), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal_of_text("{\"a\":" + std::string(1'000'000, '[')), HasSubstr("nested deeper"));
  EXPECT_THAT(refusal_of_text("{\"a\":\"\xFF\"}"), HasSubstr("not valid JSON"));
  const TemporaryFolder folder;
  EXPECT_THROW(grm::load_decoder_config(folder.path()), grm::ModelError);
  std::filesystem::create_directory(folder.path() / "config.json");
  EXPECT_THROW(grm::load_decoder_config(folder.path()), grm::ModelError);
}

}  // namespace
