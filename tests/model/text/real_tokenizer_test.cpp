// Real tokenizers on real texts: digests of the ids and prompts that the tokenizers library and transformers give
// (tests/goldens/make_digests.py). Skips what ci/setup could not fetch, and all without ../shared/data.
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "model/text/chat_template.h"
#include "model/text/tokenizer.h"

namespace grm {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

class Digest {
 public:
  Digest() { EVP_DigestInit_ex(context_, EVP_sha256(), nullptr); }
  ~Digest() { EVP_MD_CTX_free(context_); }
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;
  void add(const std::vector<std::int32_t>& ids) {
    add_count(ids.size());
    EVP_DigestUpdate(context_, ids.data(), ids.size() * sizeof(std::int32_t));
  }
  void add(const std::string& text) {
    add_count(text.size());
    EVP_DigestUpdate(context_, text.data(), text.size());
  }
  std::string hex() {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(context_, bytes, &size);
    std::string out;
    for (unsigned i = 0; i < size; ++i) {
      out += "0123456789abcdef"[bytes[i] >> 4];
      out += "0123456789abcdef"[bytes[i] & 15];
    }
    return out;
  }

 private:
  void add_count(std::size_t count) {
    const auto n = static_cast<std::int32_t>(count);
    EVP_DigestUpdate(context_, &n, sizeof n);
  }
  EVP_MD_CTX* context_ = EVP_MD_CTX_new();
};

Json read_json(const fs::path& path) { return Json::parse(std::ifstream(path)); }
const Json& digests() {
  static const Json all = read_json(GRM_SOURCE_DIR "/tests/model/text/goldens/digests.json");
  return all;
}

/// Where a tokenizer lies, or empty.
fs::path tokenizer_folder(const std::string& name) {
  std::vector<fs::path> places;
  if (const char* given = std::getenv("GRM_TEST_TOKENIZERS")) {
    places.emplace_back(fs::path(given) / name);
  }
  places.emplace_back(fs::path(GRM_SOURCE_DIR "/.venv/grm-test/tokenizers") / name);
  places.emplace_back(fs::path(GRM_SOURCE_DIR "/.venv/grm-test") / name);
  for (const fs::path& place : places) {
    if (fs::exists(place / "tokenizer.json")) {
      return place;
    }
  }
  return {};
}

using Row = std::array<std::string, 3>;  // question and two answers
std::vector<Row> read_rows(const fs::path& path) {
  std::vector<Row> rows;
  if (path.extension() == ".jsonl") {
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
      const Json row = Json::parse(line);
      rows.push_back({row["question"], row["response_A"], row["response_B"]});
    }
    return rows;
  }
  for (const Json& row : read_json(path)) {
    rows.push_back({row["input"], row["output_1"], row["output_2"]});
  }
  return rows;
}

const fs::path kData = GRM_SOURCE_DIR "/../shared/data";

class RealTokenizer : public ::testing::TestWithParam<const char*> {};

TEST_P(RealTokenizer, IdsOfStrangeTexts) {
  const fs::path folder = tokenizer_folder(GetParam());
  if (folder.empty()) {
    GTEST_SKIP() << GetParam() << "/tokenizer.json is neither in .venv/grm-test nor in GRM_TEST_TOKENIZERS";
  }
  const Tokenizer tokenizer = Tokenizer::load(folder);
  const Json texts = read_json(GRM_SOURCE_DIR "/tests/model/text/goldens/nasty.json");
  Digest digest;
  for (const Json& text : texts) {
    const std::vector<std::int32_t> ids = tokenizer.encode(text.get<std::string>(), false);
    digest.add(ids);
    IncrementalDecoder decoder(tokenizer, false);
    std::string pieces;
    for (const std::int32_t id : ids) {
      pieces += decoder.push(id);
    }
    EXPECT_EQ(pieces + decoder.finish(), tokenizer.decode(ids, false));
  }
  EXPECT_EQ(digest.hex(), digests()["nasty"][GetParam()]["ids"]);
}

TEST_P(RealTokenizer, IdsOfEveryBenchmarkText) {
  const fs::path folder = tokenizer_folder(GetParam());
  if (folder.empty()) {
    GTEST_SKIP() << GetParam() << "/tokenizer.json is neither in .venv/grm-test nor in GRM_TEST_TOKENIZERS";
  }
  if (!fs::exists(kData)) {
    GTEST_SKIP() << "../shared/data is absent";
  }
  const Tokenizer tokenizer = Tokenizer::load(folder);
  for (const auto& [file, expected] : digests()["texts"][GetParam()].items()) {
    Digest digest;
    std::size_t tokens = 0;
    for (const Row& row : read_rows(kData / file)) {
      for (const std::string& text : row) {
        const std::vector<std::int32_t> ids = tokenizer.encode(text, false);
        tokens += ids.size();
        digest.add(ids);
      }
    }
    EXPECT_EQ(tokens, expected["tokens"]) << file;
    EXPECT_EQ(digest.hex(), expected["ids"]) << file;
  }
}

INSTANTIATE_TEST_SUITE_P(Names, RealTokenizer, ::testing::Values("smollm2", "qwen", "qwen36", "llama3", "deepseek"),
                         [](const auto& param) { return std::string(param.param); });

struct PromptCase {
  const char* name;
  const char* tokenizer;
  const char* chat_template;  // of tests/goldens/templates; null: the folder's own
  const char* bos;
};

class RealPrompt : public ::testing::TestWithParam<PromptCase> {};

TEST_P(RealPrompt, TextAndIdsOfEveryItem) {
  const PromptCase& c = GetParam();
  const fs::path folder = tokenizer_folder(c.tokenizer);
  if (folder.empty()) {
    GTEST_SKIP() << c.tokenizer << "/tokenizer.json is neither in .venv/grm-test nor in GRM_TEST_TOKENIZERS";
  }
  if (!fs::exists(kData)) {
    GTEST_SKIP() << "../shared/data is absent";
  }
  const Tokenizer tokenizer = Tokenizer::load(folder);
  std::map<std::string, std::string> special;
  if (c.bos != nullptr) {
    special["bos_token"] = c.bos;
  }
  std::ostringstream source;
  if (c.chat_template != nullptr) {
    source << std::ifstream(std::string(GRM_SOURCE_DIR "/tests/goldens/templates/") + c.chat_template).rdbuf();
  }
  const ChatTemplate chat_template =
      c.chat_template == nullptr ? ChatTemplate::load(folder) : ChatTemplate(source.str(), c.chat_template, special);
  ChatOptions options;
  options.variables = {{"enable_thinking", false}, {"date_string", "26 Jul 2024"}};
  for (const auto& [file, expected] : digests()["prompts"][c.name].items()) {
    Digest text_digest;
    Digest id_digest;
    for (const Row& row : read_rows(kData / file)) {
      const Json messages = Json::array({{{"role", "system"}, {"content", "You compare two answers."}},
                                         {{"role", "user"}, {"content", row[0] + "\n\n[A]\n" + row[1] + "\n\n[B]\n" + row[2]}}});
      const std::string text = chat_template.render(messages, options);
      text_digest.add(text);
      id_digest.add(tokenizer.encode(text, false));
    }
    EXPECT_EQ(text_digest.hex(), expected["text"]) << file;
    EXPECT_EQ(id_digest.hex(), expected["ids"]) << file;
  }
}

INSTANTIATE_TEST_SUITE_P(Names, RealPrompt,
                         ::testing::Values(PromptCase{"smollm2", "smollm2", nullptr, nullptr},
                                           PromptCase{"qwen2", "qwen", "qwen2_like.jinja", nullptr},
                                           PromptCase{"qwen3", "qwen", "qwen3_like.jinja", nullptr},
                                           PromptCase{"llama3", "llama3", "llama3_like.jinja", "<|begin_of_text|>"},
                                           PromptCase{"llama31", "llama3", "llama31_like.jinja", "<|begin_of_text|>"}),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace grm
