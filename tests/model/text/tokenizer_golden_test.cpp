// Small tokenizers, one component each, against what the tokenizers library made of the same texts (tests/goldens/make_text.py).
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "model/text/tokenizer.h"

namespace grm {
namespace {

const nlohmann::json& goldens() {
  static const nlohmann::json all = [] {
    nlohmann::json file = nlohmann::json::parse(std::ifstream(GRM_SOURCE_DIR "/tests/model/text/goldens/tokenizers.json"));
    for (auto& golden : file["tokenizers"]) {
      golden["tokenizer"]["model"] = file["models"][golden["model"].get<std::size_t>()];
    }
    return file["tokenizers"];
  }();
  return all;
}

TEST(TokenizerGolden, EveryComponentAsTheTokenizersLibrary) {
  ASSERT_GE(goldens().size(), 35U);
  for (const auto& golden : goldens()) {
    const std::string name = golden["name"];
    const Tokenizer tokenizer = Tokenizer::from_json(golden["tokenizer"].dump(), name);
    for (const auto& item : golden["cases"]) {
      const std::string text = item["text"];
      const auto ids = item["ids"].get<std::vector<std::int32_t>>();
      const std::string decoded = item.value("decoded", text);
      EXPECT_EQ(tokenizer.encode(text, false), ids) << name << ": " << item["text"];
      EXPECT_EQ(tokenizer.encode(text, true), item.value("special", ids)) << name << ": " << item["text"];
      EXPECT_EQ(tokenizer.decode(ids, false), decoded) << name << ": " << item["text"];
      EXPECT_EQ(tokenizer.decode(ids, true), item.value("skipped", decoded)) << name << ": " << item["text"];
    }
  }
}

TEST(TokenizerGolden, IncrementalDecodingGivesTheSameText) {
  std::mt19937 random(5);
  for (const auto& golden : goldens()) {
    const Tokenizer tokenizer = Tokenizer::from_json(golden["tokenizer"].dump(), golden["name"]);
    std::uniform_int_distribution<std::int32_t> any(-1, tokenizer.id_bound());
    for (int round = 0; round < 40; ++round) {
      std::vector<std::int32_t> ids(40);
      for (std::int32_t& id : ids) {
        id = any(random);
      }
      for (const bool skip : {false, true}) {
        IncrementalDecoder decoder(tokenizer, skip);
        std::string text;
        for (const std::int32_t id : ids) {
          text += decoder.push(id);
        }
        text += decoder.finish();
        EXPECT_EQ(text, tokenizer.decode(ids, skip)) << golden["name"];
      }
    }
  }
}

}  // namespace
}  // namespace grm
