// The judges that need no model.
#include "suites/judge/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/error.h"
#include "tests/temporary_folder.h"

namespace grm {

using test::TemporaryFolder;
namespace {

using ::testing::HasSubstr;

struct Asked {
  std::vector<Item> items;
  std::vector<JudgeRequest> requests;  ///< of each item ab, then ba
};

Asked ask(const std::vector<std::vector<std::string>>& answers) {
  Asked asked;
  for (const auto& pair : answers) {
    Item item;
    item.id = "s/" + std::to_string(asked.items.size());
    item.answers = pair;
    asked.items.push_back(item);
  }
  for (const Item& item : asked.items) {
    for (const bool turned : {false, true}) {
      JudgeRequest request;
      request.item = &item;
      request.order = turned ? Order::ba : Order::ab;
      if (turned) request.shown = {1, 0};
      request.prompt = "P";
      asked.requests.push_back(request);
    }
  }
  return asked;
}

std::vector<JudgeOutput> run(const std::string& spec, const Asked& asked, std::uint64_t seed = 0) {
  JudgeOptions options;
  options.seed = seed;
  std::vector<JudgeOutput> outputs(asked.requests.size());
  make_judge(spec, options)->judge(asked.requests, [&](std::size_t i, JudgeOutput output) { outputs[i] = std::move(output); },
                                   [] { return false; });
  return outputs;
}

std::string letters(const std::string& spec, const Asked& asked, std::uint64_t seed = 0) {
  std::string result;
  for (const JudgeOutput& output : run(spec, asked, seed)) result += output.text.size() == 5 ? output.text[2] : '?';
  return result;
}

TEST(BaselineJudge, PositionsAndLengths) {
  // Lengths in code points: "ééé" (6 bytes) is shorter than "abcd".
  const Asked asked = ask({{"long answer", "short"}, {"\xC3\xA9\xC3\xA9\xC3\xA9", "abcd"}});
  EXPECT_EQ(letters("baseline:first", asked), "AAAA");
  EXPECT_EQ(letters("baseline:second", asked), "BBBB");
  EXPECT_EQ(letters("baseline:longer", asked), "ABBA");
  EXPECT_EQ(letters("baseline:shorter", asked), "BAAB");
}

TEST(BaselineJudge, EqualLengthsAreACoinForAnAnswer) {
  const Asked asked = ask(std::vector<std::vector<std::string>>(400, {"same", "size"}));
  const std::string verdicts = letters("baseline:longer", asked);
  int first = 0;
  for (std::size_t i = 0; i < verdicts.size(); i += 2) {
    EXPECT_NE(verdicts[i], verdicts[i + 1]) << "both orders name the same answer";
    first += verdicts[i] == 'A';
  }
  EXPECT_GT(first, 150);
  EXPECT_LT(first, 250);
  EXPECT_EQ(verdicts, letters("baseline:longer", asked));
  EXPECT_NE(verdicts, letters("baseline:longer", asked, 1));
}

TEST(BaselineJudge, RandomFallsForEachJudgement) {
  const std::string verdicts = letters("baseline:random", ask(std::vector<std::vector<std::string>>(500, {"x", "yy"})));
  const auto a = std::count(verdicts.begin(), verdicts.end(), 'A');
  EXPECT_GT(a, 430);
  EXPECT_LT(a, 570);
}

TEST(ReplayJudge, GivesWhatWasRecordedAndAnErrorForTheRest) {
  const TemporaryFolder folder;
  const auto file = folder.write("out.jsonl", R"({"item":"s/0","order":"ab","sample":0,"text":"so [[A]]"})" "\n"
                                              R"({"item":"s/0","order":"ba","text":"cut","finish":"length","more":1})" "\n");
  const auto outputs = run("replay:" + file.string(), ask({{"x", "y"}, {"x", "y"}}));
  EXPECT_EQ(outputs[0].text, "so [[A]]");
  EXPECT_EQ(outputs[0].finish, Finish::stop);
  EXPECT_EQ(outputs[1].finish, Finish::length);
  EXPECT_EQ(outputs[2].finish, Finish::error);
  EXPECT_THAT(outputs[2].error, HasSubstr("no record of item s/1, order ab"));
  EXPECT_FALSE(outputs[2].may_pass);
}

TEST(ReplayJudge, FaultyFilesAreRefused) {
  const std::string good = R"({"item":"i","order":"ab","text":"t"})" "\n";
  for (const std::string& text :
       {good + good, std::string("\n"), good + R"({"item":"i","order":"AB","text":"t"})", good + R"({"item":"i","order":"ba"})",
        good + R"({"item":"i","order":"ba","text":"t","finish":"error"})", good + "{"}) {
    const TemporaryFolder folder;
    EXPECT_THROW(make_judge("replay:" + folder.write("f", text).string(), {}), UserError) << text;
  }
  EXPECT_THROW(make_judge("replay:absent file", {}), UserError);
  EXPECT_THROW(make_judge("replay:", {}), UserError);
}

TEST(Judge, UnknownOnesAreRefused) {
  EXPECT_THROW(make_judge("baseline:longest", {}), UserError);
  EXPECT_THROW(make_judge("openai:http://localhost:1#m", {}), UserError);
}

TEST(Judge, StopsWhenTold) {
  const Asked asked = ask(std::vector<std::vector<std::string>>(10, {"x", "yy"}));
  int count = 0;
  make_judge("baseline:first", {})->judge(asked.requests, [&](std::size_t, JudgeOutput) { ++count; }, [&] { return count >= 3; });
  EXPECT_EQ(count, 3);
}

}  // namespace
}  // namespace grm
