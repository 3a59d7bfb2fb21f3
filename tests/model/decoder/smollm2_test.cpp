// A real model, the whole way from text: SmolLM2-135M-Instruct in fp32 gives the greedy tokens that transformers gives
// (tests/goldens/make_smollm2_golden.py) on judge prompts made of JudgeBench.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "harness/files/hash.h"
#include "model/engine/engine.h"
#include "model/text/tokenizer.h"

namespace {

using nlohmann::json;
using Tokens = std::vector<std::int32_t>;
namespace fs = std::filesystem;

fs::path model_folder() {
  const char* given = std::getenv("GRM_TEST_SMOLLM2");
  return given != nullptr ? given : GRM_SOURCE_DIR "/.venv/grm-test/smollm2";
}

// The chat template of the model with one message of the user; templates as such have tests of their own.
std::string chat(const json& row) {
  const auto text = [&](const char* field) { return row.at(field).get<std::string>(); };
  return "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n<|im_start|>user\n"
         "[Instruction]\n" + text("question") + "\n\n[The Start of Assistant A's Answer]\n" + text("response_A") +
         "\n[The End of Assistant A's Answer]\n\n[The Start of Assistant B's Answer]\n" + text("response_B") +
         "\n[The End of Assistant B's Answer]\n\nCompare the two answers and end with [[A]] or [[B]].<|im_end|>\n"
         "<|im_start|>assistant\n";
}

std::vector<Tokens> read_prompts(const fs::path& file, const grm::Tokenizer& tokenizer, std::size_t count, std::size_t limit) {
  std::vector<Tokens> prompts;
  std::ifstream lines(file);
  for (std::string line; prompts.size() < count && std::getline(lines, line);) {
    prompts.push_back(tokenizer.encode(chat(json::parse(line)), false));
    prompts.back().resize(std::min(prompts.back().size(), limit));
  }
  return prompts;
}

std::string digest(const Tokens& tokens) {
  std::string text;
  for (const std::int32_t token : tokens) {
    if (!text.empty()) text += ',';
    text += std::to_string(token);
  }
  return grm::sha256_hex(text);
}

TEST(SmolLM2, GreedyTokensAreTransformers) {
  const json golden = json::parse(std::ifstream(GRM_SOURCE_DIR "/tests/goldens/smollm2_greedy.json"));
  const fs::path data = fs::path(GRM_SOURCE_DIR "/../shared/data/judgebench") / golden["data_file"].get<std::string>();
  if (!fs::exists(data)) GTEST_SKIP() << "no JudgeBench at " << data;
  if (!fs::exists(model_folder() / "model.safetensors")) {
    GTEST_SKIP() << "no model at " << model_folder() << " (GRM_TEST_SMOLLM2 names another folder)";
  }
  ASSERT_EQ(grm::sha256_file(model_folder() / "model.safetensors"), golden["weights_sha256"].get<std::string>())
      << "other weights than the golden's at " << model_folder();

  const grm::Tokenizer tokenizer = grm::Tokenizer::load(model_folder());
  const json& entries = golden["prompts"];
  ASSERT_EQ(entries.size(), 16u);
  const std::vector<Tokens> prompts = read_prompts(data, tokenizer, entries.size(), golden["max_prompt_tokens"]);
  ASSERT_EQ(prompts.size(), entries.size());
  grm::EngineOptions options;
  options.threads = 2;
  options.kv_cache_bytes = std::int64_t{1} << 30;
  const grm::LoadedEngine loaded = grm::load_engine(model_folder(), "float32", options);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    ASSERT_EQ(digest(prompts[i]), entries[i]["prompt_sha256"].get<std::string>()) << "prompt " << i;
    grm::Request request;
    request.id = i;
    request.prompt = prompts[i];
    request.max_new_tokens = 64;
    loaded.engine->submit(request);
  }
  std::map<std::uint64_t, Tokens> answers;
  while (!loaded.engine->idle()) {
    for (grm::Completion& completion : loaded.engine->step()) answers[completion.id] = std::move(completion.tokens);
  }
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    EXPECT_EQ(answers.at(i), entries[i]["greedy"].get<Tokens>()) << "prompt " << i << ", smallest margin between the two best "
                                                                 << "logits: " << entries[i]["smallest_margin"];
  }
}

}  // namespace
