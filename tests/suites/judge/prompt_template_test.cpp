#include "suites/judge/prompt_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/error.h"
#include "harness/files/atomic_file.h"

namespace grm {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kNames = {"a", "b"};

std::string fault(std::string_view text) {
  try {
    PromptTemplate(text, "P", kNames);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(PromptTemplate, PutsValuesInAndNeverLooksAtThemAgain) {
  const PromptTemplate prompt("x {{a}} {{ b }}{{a}}}\n", "P", kNames);
  EXPECT_EQ(prompt.render({{"a", "{{b}} {{c}}"}, {"b", "}}{{a}}"}}), "x {{b}} {{c}} }}{{a}}{{b}} {{c}}}");
}

TEST(PromptTemplate, FaultsAreNamed) {
  EXPECT_THAT(fault("{{a}} {{b}} {{c}}"), HasSubstr("unknown variable {{c}}; known ones: a, b"));
  EXPECT_THAT(fault("{{a}}"), HasSubstr("the variable {{b}} does not occur"));
  EXPECT_THAT(fault("{{a}} {{b"), HasSubstr("'{{' without '}}'"));
  EXPECT_THAT(fault(""), HasSubstr("does not occur"));
}

TEST(PromptTemplate, OneNewlineAtTheEndIsDropped) {
  EXPECT_EQ(PromptTemplate("{{a}}{{b}}\n\n", "P", kNames).render({{"a", "1"}, {"b", "2"}}), "12\n");
  EXPECT_EQ(PromptTemplate("{{a}}{{b}}\r\n", "P", kNames).render({{"a", "1"}, {"b", "2"}}), "12");
}

TEST(PairwisePrompt, TheOneBuiltInHasItsMarkersAndAsksForNoTie) {
  const std::string text = load_pairwise_prompt({}).render({{"instruction", "WHAT"}, {"answer_a", "ONE"}, {"answer_b", "TWO"}});
  EXPECT_THAT(text, HasSubstr("[Instruction]\nWHAT\n"));
  EXPECT_THAT(text, HasSubstr("[The Start of Assistant A's Answer]\nONE\n[The End of Assistant A's Answer]"));
  EXPECT_TRUE(text.ends_with("[The Start of Assistant B's Answer]\nTWO\n[The End of Assistant B's Answer]")) << text;
  EXPECT_THAT(text, HasSubstr("[[A]]"));
  EXPECT_THAT(text, HasSubstr("[[B]]"));
}

TEST(PairwisePrompt, AFileOfTheUsersReplacesIt) {
  const std::filesystem::path file = std::filesystem::path(::testing::TempDir()) / "a prompt, of=mine^.txt";
  write_file_atomically(file, "Q {{instruction}} 1 {{answer_a}} 2 {{answer_b}}\n");
  EXPECT_EQ(load_pairwise_prompt(file).render({{"instruction", "q"}, {"answer_a", "x"}, {"answer_b", "y"}}), "Q q 1 x 2 y");
  write_file_atomically(file, "{{instruction}} {{answer_a}}");
  EXPECT_THROW(load_pairwise_prompt(file), UserError);
  write_file_atomically(file, "{{instruction}} {{answer_a}} {{answer_b}} \xFF");
  EXPECT_THROW(load_pairwise_prompt(file), UserError);
  std::filesystem::remove(file);
  EXPECT_THROW(load_pairwise_prompt(file), UserError);
}

}  // namespace
}  // namespace grm
