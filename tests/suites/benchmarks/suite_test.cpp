// Loading and selecting items: made files for the rules, the real ones for counts and contents.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/files/atomic_file.h"
#include "harness/error.h"
#include "suites/benchmarks/item.h"
#include "tests/temporary_folder.h"

namespace grm {

using test::TemporaryFolder;
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using nlohmann::json;

json judgebench_row(const std::string& key, const std::string& model = "gpt-4o-2024-05-13") {
  return {{"pair_id", key}, {"original_id", nullptr}, {"source", "mmlu-pro-law"}, {"question", "Why " + key + "?"},
          {"response_model", model}, {"response_A", "Because."}, {"response_B", "So."}, {"label", "B>A"}};
}

std::string lines(const std::vector<json>& rows) {
  std::string text;
  for (const json& row : rows) text += row.dump() + "\n";
  return text;
}

std::string fault(const std::string& name, const std::filesystem::path& data) {
  try {
    load_suite(name, {data, true});
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(JudgeBench, ReadsAnyFileNameAndTellsTheSplitsApart) {
  const TemporaryFolder folder;
  folder.write("judgebench/a b, c=d^e.jsonl", lines({judgebench_row("1"), judgebench_row("2")}) + "\n");
  folder.write("judgebench/deeper/x.jsonl", 
               lines({judgebench_row("1", "claude-3-5-sonnet-20240620"), judgebench_row("9", "llama")}));
  const Suite suite = load_suite("judgebench", {folder.path(), true});
  ASSERT_EQ(suite.items.size(), 4u);
  EXPECT_EQ(suite.items[0].id, "judgebench/gpt/1");
  EXPECT_EQ(suite.items[0].file, "a b, c=d^e.jsonl");
  EXPECT_EQ(suite.items[0].subset, "gpt/knowledge");
  EXPECT_EQ(suite.items[0].domain, "correctness");
  EXPECT_EQ(suite.items[0].label, 1);
  EXPECT_EQ(suite.items[2].id, "judgebench/claude/1");
  EXPECT_EQ(suite.items[3].id, "judgebench/x/9");
  EXPECT_EQ(suite.items[0].cluster, suite.items[2].cluster) << "one question in two splits";
  EXPECT_EQ(suite.departures.size(), 3u) << "all three splits differ from what is published";
  EXPECT_THAT(suite.departures[1], HasSubstr("gpt/knowledge 2 of 154"));
  EXPECT_EQ(suite.source.files.size(), 2u);
  EXPECT_EQ(load_suite("judgebench", {folder.path() / "judgebench", true}).items.size(), 4u) << "the suite's own folder";
}

TEST(JudgeBench, FaultsAreNamedWithFileAndLine) {
  const std::vector<std::pair<std::function<void(json&)>, std::string>> cases = {
      {[](json& row) { row.erase("question"); }, "the field 'question' is missing"},
      {[](json& row) { row["response_A"] = 3; }, "the field 'response_A' must be a string, found number"},
      {[](json& row) { row["label"] = "A<B"; }, "label 'A<B'"},
      {[](json& row) { row["source"] = "trivia"; }, "source 'trivia'"},
      {[](json& row) { row["pair_id"] = 1.5; }, "the field 'pair_id' must be a string"},
      {[](json& row) { row = json::array(); }, "a JSON object was expected, found array"}};
  for (const auto& [change, message] : cases) {
    const TemporaryFolder folder;
    json row = judgebench_row("2");
    change(row);
    folder.write("judgebench/f.jsonl", lines({judgebench_row("1"), row}));
    EXPECT_THAT(fault("judgebench", folder.path()), AllOf(HasSubstr("f.jsonl line 2"), HasSubstr(message)));
  }
}

TEST(JudgeBench, BrokenTextsAreRefused) {
  const std::string good = lines({judgebench_row("1")});
  const std::vector<std::string> broken = {good + "{\"pair_id\": ", good + std::string(1, 0) + "\n",
                                           good + "{\"pair_id\": \"\xFF\"}\n", good + "nonsense\n",
                                           good + "{\"a\": 1, \"a\": 2}\n", good + std::string(100000, '['), good + "{} {}\n"};
  for (const std::string& text : broken) {
    const TemporaryFolder folder;
    folder.write("judgebench/f.jsonl", text);
    EXPECT_THAT(fault("judgebench", folder.path()), HasSubstr("f.jsonl line 2"));
  }
}

TEST(JudgeBench, EmptyAbsentOrRepeatedItemsAreRefused) {
  const TemporaryFolder folder;
  EXPECT_THAT(fault("judgebench", folder.path()), HasSubstr("no *.jsonl file"));
  folder.write("judgebench/f.jsonl", "\n\n");
  EXPECT_THAT(fault("judgebench", folder.path()), HasSubstr("no items"));
  folder.write("judgebench/f.jsonl", lines({judgebench_row("1")}));
  folder.write("judgebench/g.jsonl", lines({judgebench_row("1")}));
  EXPECT_THAT(fault("judgebench", folder.path()), 
              AllOf(HasSubstr("judgebench/gpt/1 occurs twice"), HasSubstr("f.jsonl"), HasSubstr("g.jsonl")));
  EXPECT_THAT(fault("judgebench", folder.path() / "absent"), HasSubstr("no such folder"));
  EXPECT_THAT(fault("judgbench", folder.path()), HasSubstr("known suites"));
}

TEST(LlmBar, SetsAreKnownByTheirPath) {
  const TemporaryFolder folder;
  const std::string rows = json::array({{{"input", "Say hi"}, {"output_1", "hi"}, {"output_2", "ho"}, {"label", 1}}}).dump();
  folder.write("llmbar/LLMBar/Adversarial/Neighbor/dataset.json", rows);
  folder.write("llmbar/Processed/LLMEval^2/dataset.json", rows);
  folder.write("llmbar/GPTInst.json", rows);
  const Suite suite = load_suite("llmbar", {folder.path(), true});
  std::map<std::string, bool> official;
  for (const Item& item : suite.items) official[item.id] = item.official;
  EXPECT_EQ(official, (std::map<std::string, bool>{
                          {"llmbar/Neighbor/0", true}, {"llmbar/LLMEval^2/0", false}, {"llmbar/GPTInst/0", true}}));
  EXPECT_EQ(suite.items[0].label, 0);
  EXPECT_EQ(suite.items[0].domain, "preference");
}

TEST(LlmBar, FaultsAreNamedWithFileAndRow) {
  const TemporaryFolder folder;
  json row = {{"input", "Say hi"}, {"output_1", "hi"}, {"output_2", "ho"}, {"label", 1}};
  for (const json& label : {json(0), json(3), json("1"), json(1.0), json(nullptr), json(18446744073709551615u)}) {
    json wrong = row;
    wrong["label"] = label;
    folder.write("llmbar/Natural/dataset.json", json::array({row, wrong}).dump());
    EXPECT_THAT(fault("llmbar", folder.path()), AllOf(HasSubstr("dataset.json row 1"), HasSubstr("label")));
  }
  folder.write("llmbar/Natural/dataset.json", "{}");
  EXPECT_THAT(fault("llmbar", folder.path()), HasSubstr("a JSON array was expected"));
  folder.write("llmbar/Natural/dataset.json", "[]");
  EXPECT_THAT(fault("llmbar", folder.path()), HasSubstr("no items"));
}

TEST(Pairs, AreReadWithAllThatTheyMayHold) {
  const TemporaryFolder folder;
  const json least = {{"id", "x"}, {"instruction", "Q"}, {"answers", {"a", "b"}}, {"label", 1}};
  const json all = {{"id", 7}, {"instruction", " q "}, {"answers", {"a", "b"}}, {"label", 0}, {"domain", "preference"},
                    {"subset", "s"}, {"cluster", "c"}};
  const auto file = folder.write("my pairs.jsonl", lines({least, all}));
  const Suite suite = load_suite("file:" + file.string(), {});
  ASSERT_EQ(suite.items.size(), 2u);
  EXPECT_EQ(suite.name, "file:my pairs.jsonl");
  EXPECT_EQ(suite.items[0].id, "file/my pairs.jsonl/x");
  EXPECT_FALSE(suite.items[0].domain);
  EXPECT_EQ(suite.items[0].cluster, cluster_hash("q"));
  EXPECT_EQ(suite.items[1].id, "file/my pairs.jsonl/7");
  EXPECT_EQ(suite.items[1].cluster, "c");
  EXPECT_EQ(suite.items[1].subset, "s");
  EXPECT_TRUE(suite.departures.empty());
}

TEST(Pairs, FaultsAreNamed) {
  const json good = {{"id", "x"}, {"instruction", "Q"}, {"answers", {"a", "b"}}, {"label", 1}};
  const std::vector<std::pair<json, std::string>> cases = {{{{"label", 2}}, "label 2"}, {{{"label", -1}}, "label -1"},
      {{{"label", "A"}}, "must be an integer"}, {{{"answers", {"a"}}}, "1 answers"}, {{{"answers", {"a", 1}}}, "strings only"},
      {{{"answers", "ab"}}, "array of strings"}, {{{"domain", "maths"}}, "domain 'maths'"}, {{{"id", ""}}, "'id' is empty"}};
  for (const auto& [patch, message] : cases) {
    const TemporaryFolder folder;
    json row = good;
    row.merge_patch(patch);
    const auto file = folder.write("p.jsonl", lines({row}));
    EXPECT_THAT(fault("file:" + file.string(), {}), AllOf(HasSubstr("p.jsonl line 1"), HasSubstr(message)));
  }
  const TemporaryFolder folder;
  const auto file = folder.write("p.jsonl", lines({good, good}));
  EXPECT_THAT(fault("file:" + file.string(), {}), HasSubstr("occurs twice"));
  EXPECT_NE(fault("file:" + (folder.path() / "absent").string(), {}), "no error");
  EXPECT_NE(fault("file:", {}), "no error");
}

Suite made_suite(int count) {
  Suite suite;
  for (int i = 0; i < count; ++i) {
    Item item;
    item.id = "s/" + std::to_string(i);
    suite.items.push_back(item);
  }
  return suite;
}

std::set<std::string> ids(const Suite& suite) {
  std::set<std::string> result;
  for (const Item& item : suite.items) result.insert(item.id);
  return result;
}

TEST(Selection, ASmallerOneIsPartOfALargerOneWhateverTheOrderOfRows) {
  Suite small = made_suite(200), large = made_suite(200), turned = made_suite(200), other = made_suite(200);
  std::reverse(turned.items.begin(), turned.items.end());
  select_items(small, 16, 0);
  select_items(large, 64, 0);
  select_items(turned, 16, 0);
  select_items(other, 16, 1);
  EXPECT_EQ(small.items.size(), 16u);
  const auto in_small = ids(small), in_large = ids(large);
  EXPECT_TRUE(std::includes(in_large.begin(), in_large.end(), in_small.begin(), in_small.end()));
  EXPECT_EQ(in_small, ids(turned));
  EXPECT_NE(in_small, ids(other)) << "another seed";
  Suite all = made_suite(5);
  select_items(all, 0, 0);
  EXPECT_EQ(all.items.size(), 5u);
  select_items(all, 9, 0);
  EXPECT_EQ(all.items.size(), 5u);
}

TEST(Cluster, DoesNotSeeCaseAndWhiteSpace) {
  EXPECT_EQ(cluster_hash("What is  it?\n"), cluster_hash("\xC2\xA0what\tIS\xE3\x80\x80it?"));
  EXPECT_NE(cluster_hash("What is it?"), cluster_hash("What is it"));
  EXPECT_NE(cluster_hash("ab"), cluster_hash("a b"));
  EXPECT_EQ(cluster_hash("x").size(), 16u);
}

class RealData : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::is_directory(data_ / "judgebench")) GTEST_SKIP() << "no benchmark data in " << data_.lexically_normal();
  }
  std::filesystem::path data_ = std::filesystem::path(GRM_SOURCE_DIR) / ".." / "shared" / "data";
};

TEST_F(RealData, JudgeBenchIsWhatIsPublished) {
  const Suite suite = load_suite("judgebench", {data_, true});
  std::map<std::string, int> subsets, labels;
  for (const Item& item : suite.items) {
    ++subsets[item.subset];
    ++labels[item.split + (item.label == 0 ? " A>B" : " B>A")];
  }
  EXPECT_EQ(subsets, (std::map<std::string, int>{
                         {"gpt/knowledge", 154}, {"gpt/reasoning", 98}, {"gpt/math", 56}, {"gpt/coding", 42},
                         {"claude/knowledge", 154}, {"claude/reasoning", 51}, {"claude/math", 34}, {"claude/coding", 31}}));
  EXPECT_EQ(labels, (std::map<std::string, int>{{"gpt A>B", 193}, {"gpt B>A", 157}, {"claude A>B", 143}, {"claude B>A", 127}}));
  EXPECT_THAT(suite.departures, ::testing::IsEmpty());
}

TEST_F(RealData, LlmBarIsWhatIsPublished) {
  const Suite suite = load_suite("llmbar", {data_, true});
  std::map<std::string, int> subsets;
  int official = 0;
  for (const Item& item : suite.items) {
    ++subsets[item.subset];
    official += item.official;
  }
  EXPECT_EQ(subsets, (std::map<std::string, int>{
                         {"Natural", 100}, {"Neighbor", 134}, {"GPTInst", 92}, {"GPTOut", 47}, {"Manual", 46},
                         {"FairEval", 66}, {"LLMEval^2", 200}, {"MT-Bench", 200}}));
  EXPECT_EQ(official, 419);
  EXPECT_THAT(suite.departures, ::testing::IsEmpty());
}

TEST_F(RealData, AChangedTextIsNoticed) {
  const TemporaryFolder folder;
  std::filesystem::copy(data_ / "llmbar" / "LLMBar", folder.path(), std::filesystem::copy_options::recursive);
  EXPECT_THAT(load_suite("llmbar", {folder.path(), true}).departures, ::testing::IsEmpty());
  const auto file = folder.path() / "Natural" / "dataset.json";
  std::string text = read_file(file);
  text.replace(text.find("Summarize"), 9, "Summarise");
  std::filesystem::remove(file);
  write_file_atomically(file, text);
  EXPECT_THAT(load_suite("llmbar", {folder.path(), true}).departures,
              ::testing::ElementsAre("llmbar/Natural: the counts are the published ones, the contents are not"));
}

}  // namespace
}  // namespace grm
