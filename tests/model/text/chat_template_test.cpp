#include "model/text/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "model/error.h"

namespace grm {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

class ChatTemplateFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder = fs::path(GRM_BINARY_DIR) / "chat_template_test" / test->name();
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  void write(const std::string& name, const std::string& text) {
    fs::create_directories((folder / name).parent_path());
    std::ofstream(folder / name) << text;
  }
  std::string refusal(const std::string& name = "default") {
    try {
      ChatTemplate::load(folder, name);
    } catch (const ModelError& e) {
      return e.what();
    }
    return "(accepted)";
  }
  fs::path folder;
  const Json one = Json::array({{{"role", "user"}, {"content", "Hi"}}});
};

TEST_F(ChatTemplateFolder, StringInTheConfiguration) {
  write("tokenizer_config.json", R"({"chat_template":"{{ bos_token }}{{ messages[0].content }}{{ eos_token }}","bos_token":"<s>",
        "eos_token":{"content":"</s>","lstrip":false}})");
  EXPECT_EQ(ChatTemplate::load(folder).render(one), "<s>Hi</s>");
}

TEST_F(ChatTemplateFolder, ListOfNamedOnes) {
  write("tokenizer_config.json", R"({"chat_template":[{"name":"default","template":"D"},{"name":"tool_use","template":"T"}]})");
  EXPECT_EQ(ChatTemplate::load(folder).render(one), "D");
  EXPECT_EQ(ChatTemplate::load(folder, "tool_use").render(one), "T");
  EXPECT_THAT(refusal("rag"), HasSubstr("no chat template \"rag\""));
  EXPECT_THAT(refusal("rag"), HasSubstr("it has: default, tool_use"));
}

TEST_F(ChatTemplateFolder, FileWinsOverConfiguration) {
  write("tokenizer_config.json", R"({"chat_template":"config","eos_token":"E"})");
  write("chat_template.json", R"({"chat_template":"json"})");
  EXPECT_EQ(ChatTemplate::load(folder).render(one), "config");
  write("chat_template.jinja", "file {{ eos_token }}");
  write("additional_chat_templates/rag.jinja", "rag");
  EXPECT_EQ(ChatTemplate::load(folder).render(one), "file E");
  EXPECT_EQ(ChatTemplate::load(folder).source(), "file {{ eos_token }}");
  EXPECT_EQ(ChatTemplate::load(folder, "rag").render(one), "rag");
}

TEST_F(ChatTemplateFolder, OlderJsonFileAndSpecialTokensMap) {
  write("chat_template.json", R"({"chat_template":"{{ bos_token }}{{ pad_token is defined }}"})");
  write("special_tokens_map.json", R"({"bos_token":{"content":"<b>"}})");
  EXPECT_EQ(ChatTemplate::load(folder).render(one), "<b>False");
}

TEST_F(ChatTemplateFolder, RefusesWhatItCannotUse) {
  EXPECT_THAT(refusal(), HasSubstr("no chat template \"default\""));
  EXPECT_THAT(refusal("../x"), HasSubstr("not a plain name"));
  write("tokenizer_config.json", R"({"chat_template":7})");
  EXPECT_THAT(refusal(), HasSubstr("chat_template: expected a string"));
  write("tokenizer_config.json", "{");
  EXPECT_THAT(refusal(), HasSubstr("not valid JSON"));
  write("tokenizer_config.json", R"({"chat_template":"a\n{% if %}"})");
  EXPECT_THAT(refusal(), HasSubstr("tokenizer_config.json, line 2: "));
  write("tokenizer_config.json", R"({"chat_template":"x","bos_token":3})");
  EXPECT_THAT(refusal(), HasSubstr("bos_token"));
}

TEST(ChatTemplate, PassesVariablesAndDate) {
  const Json chat = Json::array({{{"role", "user"}, {"content", "Hi"}, {"name", nullptr}}});
  ChatOptions options;
  options.variables = {{"enable_thinking", false}};
  const ChatTemplate shown("{{ enable_thinking }} {{ add_generation_prompt }} {{ tools }} {{ messages[0].name is defined }}", "t",
                           {});
  EXPECT_EQ(shown.render(chat, options), "False True None False");
  options.add_generation_prompt = false;
  EXPECT_EQ(shown.render(chat, options), "False False None False");
  const ChatTemplate dated("{{ strftime_now('%d %b %Y') }}", "t", {});
  EXPECT_THROW(dated.render(chat), ModelError);
  options.now = std::tm{};
  options.now->tm_year = 124;
  options.now->tm_mon = 6;
  options.now->tm_mday = 26;
  EXPECT_EQ(dated.render(chat, options), "26 Jul 2024");
}

TEST(ChatTemplate, ReasoningHasSeveralNames) {
  const ChatTemplate shown("{{ messages[0].reasoning_content }}|{{ messages[0].thinking }}", "t", {});
  EXPECT_EQ(shown.render(Json::array({{{"role", "assistant"}, {"reasoning", "R"}}})), "R|R");
  EXPECT_EQ(shown.render(Json::array({{{"role", "assistant"}, {"content", "x"}}})), "|");
}

TEST(ChatTemplate, ErrorsNameTemplateAndLine) {
  const ChatTemplate refusing("\n\n{{ raise_exception('no system role') }}", "judge", {});
  const Json chat = Json::array({{{"role", "user"}, {"content", "Hi"}}});
  try {
    refusing.render(chat);
    FAIL() << "raise_exception did not raise";
  } catch (const ModelError& e) {
    EXPECT_STREQ(e.what(), "template judge, line 3: the template refuses: no system role");
  }
  EXPECT_THROW(refusing.render(Json::array()), ModelError);
  EXPECT_THROW(refusing.render(Json::array({"text"})), ModelError);
}

}  // namespace
}  // namespace grm
