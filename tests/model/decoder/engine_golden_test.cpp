// The engine's tokens against transformers' generate(), greedy, fp32: the way from checkpoint folder to answer, prompts batched.
#include <map>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "model/engine/engine.h"
#include "tests/model/decoder/formula_weights.h"
#include "tests/temporary_folder.h"

namespace {

using Tokens = std::vector<std::int32_t>;

std::map<std::uint64_t, Tokens> run(grm::Engine& engine) {
  std::map<std::uint64_t, Tokens> answers;
  while (!engine.idle()) {
    for (grm::Completion& completion : engine.step()) answers[completion.id] = std::move(completion.tokens);
  }
  return answers;
}

TEST(Engine, GreedyTokensAreTransformers) {
  int models = 0;
  for (const std::string& name : grm::test::golden_names()) {
    const nlohmann::json golden = grm::test::read_golden(name);
    if (!golden["prompts"][0].contains("greedy")) continue;
    ++models;
    const grm::test::TemporaryFolder folder;
    grm::test::write_formula_model(golden, folder.path(), at::kFloat, models % 3 + 1);
    grm::EngineOptions options;
    options.threads = 2;
    options.kv_cache_bytes = 32 << 20;
    options.max_step_tokens = 32;  // the longest prompt takes several steps
    const grm::LoadedEngine loaded = grm::load_engine(folder.path(), "float32", options);
    for (std::size_t i = 0; i < golden["prompts"].size(); ++i) {
      grm::Request request;
      request.id = i;
      request.prompt = golden["prompts"][i]["tokens"].get<Tokens>();
      request.max_new_tokens = 64;
      loaded.engine->submit(request);
    }
    const auto answers = run(*loaded.engine);
    for (std::size_t i = 0; i < golden["prompts"].size(); ++i) {
      EXPECT_EQ(answers.at(i), golden["prompts"][i]["greedy"].get<Tokens>()) << name << ", prompt " << i;
    }
  }
  EXPECT_GE(models, 8);
}

}  // namespace
