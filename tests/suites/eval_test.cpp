// The whole way through the program: grm eval, items and rescore.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "harness/files/atomic_file.h"
#include "harness/run/run_folder.h"
#include "harness/ui/program.h"
#include "tests/suites/program.h"
#include "tests/temporary_folder.h"

namespace grm {

using test::TemporaryFolder;
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Own pairs and recorded outputs for them: right in most, some without a verdict, some long.
struct Recording {
  std::string suite;  ///< file:…
  std::string judge;  ///< replay:…
};

Recording make_recording(const TemporaryFolder& folder, int items, bool leave_one_out = false) {
  std::string pairs, outputs;
  for (int i = 0; i < items; ++i) {
    const std::string id = std::to_string(i);
    const json answers = {"first of " + id, "second"};
    const json pair = {{"id", id}, {"instruction", "Question " + id}, {"answers", answers}, {"label", i % 2}};
    pairs += pair.dump() + "\n";
    for (const std::string order : {"ab", "ba"}) {
      if (leave_one_out && i == 0 && order == "ba") continue;
      std::string text(static_cast<std::size_t>(i % 7) * 50, 'x');
      if (i % 11 != 0) text += (order == "ab") == (i % 2 == 0) ? " [[A]]" : " [[B]]";
      outputs += json{{"item", "file/pairs.jsonl/" + id}, {"order", order}, {"sample", 0}, {"text", text}}.dump() + "\n";
    }
  }
  return {"file:" + folder.write("pairs.jsonl", pairs).string(), "replay:" + folder.write("outputs.jsonl", outputs).string()};
}

std::vector<std::string> eval(const Recording& recording, const fs::path& out, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"eval", "--judge", recording.judge, "--suite", recording.suite, "--out", out.string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// The journal's records by key, without their seconds.
std::vector<std::string> records(const fs::path& run) {
  std::vector<std::string> lines;
  for (const auto& [key, judgement] : read_journal(run / kJournalFile).judgements) {
    json record = to_json(judgement);
    record.erase("seconds");
    lines.push_back(record.dump());
  }
  return lines;
}

std::uint64_t size_of(const fs::path& file) {
  std::error_code absent;
  const auto size = fs::file_size(file, absent);
  return absent ? 0 : size;
}

/// Waits until the journal has grown by `bytes` or the program has ended.
void wait_for_growth(GrmProcess& process, const fs::path& run, std::uint64_t bytes) {
  const std::uint64_t begin = size_of(run / kJournalFile);
  while (!process.ended() && size_of(run / kJournalFile) < begin + bytes) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

TEST(Eval, WritesARunAndPrintsItsScores) {
  const TemporaryFolder folder;
  const Ran ran = run_grm(folder.path(), eval(make_recording(folder, 60), folder.path() / "run"));
  EXPECT_EQ(ran.exit_code, kDone) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("file:pairs.jsonl"), HasSubstr("overall"), HasSubstr("pooled"), HasSubstr("VALID")));
  const Scores scores = read_scores(folder.path() / "run" / kScoresFile);
  ASSERT_FALSE(scores.rows.empty());
  EXPECT_EQ(scores.rows[0].metric, "accuracy");
  EXPECT_EQ(scores.rows[0].n, 60);
  EXPECT_DOUBLE_EQ(*scores.rows[0].value, 54.0 / 60) << "one in eleven has no verdict";
  EXPECT_EQ(scores.rows[0].unscored, 12);
  EXPECT_EQ(records(folder.path() / "run").size(), 120u);
  const RunContents run = read_run(folder.path() / "run");
  EXPECT_FALSE(run.manifest.end.empty());
  EXPECT_EQ(run.manifest.artifacts.size(), 3u) << "judge, data, prompt";
  for (const auto& [key, judgement] : run.judgements) {
    EXPECT_EQ(read_prompts(folder.path() / "run" / kPromptsFile).prompts.count(judgement.prompt_hash), 1u);
    break;
  }
}

TEST(Eval, RescoringGivesTheSameBytes) {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "run";
  const Ran first = run_grm(folder.path(), eval(make_recording(folder, 40), run, {"--order", "seeded"}));
  ASSERT_EQ(first.exit_code, kDone) << first.err;
  const std::string scores = read_file(run / kScoresFile);
  fs::remove(run / kScoresFile);
  const Ran again = run_grm(folder.path(), {"rescore", run.string()});
  EXPECT_EQ(again.exit_code, kDone) << again.err;
  EXPECT_EQ(read_file(run / kScoresFile), scores);
  EXPECT_EQ(again.out, first.out);
  EXPECT_EQ(run_grm(folder.path(), {"rescore", folder.path().string()}).exit_code, kUserFault);
}

TEST(Eval, GoesOnAfterKillsAsIfNothingHadHappened) {
  const TemporaryFolder folder;
  const Recording recording = make_recording(folder, 4000);
  const fs::path calm = folder.path() / "calm", killed = folder.path() / "killed";
  ASSERT_EQ(run_grm(folder.path(), eval(recording, calm)).exit_code, kDone);
  int kills = 0;
  for (int round = 0; round < 10; ++round) {
    GrmProcess process(folder.path(), eval(recording, killed));
    wait_for_growth(process, killed, 20000 + 7919 * static_cast<std::uint64_t>(round));
    process.signal(SIGKILL);
    kills += process.wait().exit_code == 128 + SIGKILL;
  }
  EXPECT_GE(kills, 5);
  const Ran last = run_grm(folder.path(), eval(recording, killed));
  EXPECT_EQ(last.exit_code, kDone) << last.err;
  EXPECT_EQ(records(killed), records(calm));
  EXPECT_EQ(read_file(killed / kScoresFile), read_file(calm / kScoresFile));
}

TEST(Eval, ATornLineIsDroppedAndJudgedAgain) {
  const TemporaryFolder folder;
  const Recording recording = make_recording(folder, 10);
  const fs::path run = folder.path() / "run";
  ASSERT_EQ(run_grm(folder.path(), eval(recording, run)).exit_code, kDone);
  const auto before = records(run);
  const std::string scores = read_file(run / kScoresFile);
  fs::resize_file(run / kJournalFile, fs::file_size(run / kJournalFile) - 100);
  const Ran again = run_grm(folder.path(), eval(recording, run));
  EXPECT_EQ(again.exit_code, kDone);
  EXPECT_THAT(again.err, HasSubstr("torn"));
  EXPECT_EQ(records(run), before);
  EXPECT_EQ(read_file(run / kScoresFile), scores);
}

TEST(Eval, StopsWhenInterruptedAndSaysHowToGoOn) {
  const TemporaryFolder folder;
  const Recording recording = make_recording(folder, 20000);
  const fs::path run = folder.path() / "run";
  GrmProcess process(folder.path(), eval(recording, run));
  wait_for_growth(process, run, 10000);
  process.signal(SIGINT);
  const Ran stopped = process.wait();
  EXPECT_EQ(stopped.exit_code, kUnfinished);
  EXPECT_THAT(stopped.err, HasSubstr("the same command goes on"));
  EXPECT_TRUE(read_run(run).manifest.end.empty());
  const Ran ended = run_grm(folder.path(), eval(recording, run));
  EXPECT_EQ(ended.exit_code, kDone) << ended.err;
  EXPECT_EQ(read_journal(run / kJournalFile).judgements.size(), 40000u);
}

TEST(Eval, OtherSettingsAreRefused) {
  const TemporaryFolder folder;
  const Recording recording = make_recording(folder, 5);
  const fs::path run = folder.path() / "run";
  ASSERT_EQ(run_grm(folder.path(), eval(recording, run)).exit_code, kDone);
  const auto refused = [&](const std::vector<std::string>& more, const std::string& what) {
    const Ran ran = run_grm(folder.path(), eval(recording, run, more));
    EXPECT_EQ(ran.exit_code, kUserFault) << what;
    EXPECT_THAT(ran.err, HasSubstr(what));
  };
  refused({"--order", "given"}, "effective/order");
  refused({"--seed", "1"}, "seeds/order");
  refused({"--max-new", "9"}, "max_new");
  refused({"--prompt", folder.write("p.txt", "{{instruction}} {{answer_a}} {{answer_b}}").string()}, "prompt");
  folder.write("pairs.jsonl", read_file(folder.path() / "pairs.jsonl") + "\n");
  refused({}, "data:file:pairs.jsonl");
}

TEST(Eval, AMissingRecordIsAnErrorOfItsItem) {
  const TemporaryFolder folder;
  const Recording recording = make_recording(folder, 40, true);
  const fs::path run = folder.path() / "run";
  const Ran ran = run_grm(folder.path(), eval(recording, run));
  EXPECT_EQ(ran.exit_code, kDone) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("INVALID"), HasSubstr("1 of 80 judgements could not be made")));
  EXPECT_EQ(run_grm(folder.path(), eval(recording, run, {"--strict"})).exit_code, kAnswerIsNo);
  int errors = 0;
  for (const auto& [key, judgement] : read_journal(run / kJournalFile).judgements) {
    if (judgement.finish != Finish::error) continue;
    ++errors;
    EXPECT_EQ(judgement.item, "file/pairs.jsonl/0");
    EXPECT_EQ(judgement.correct, false);
    EXPECT_THAT(judgement.error, HasSubstr("no record"));
  }
  EXPECT_EQ(errors, 1);
}

TEST(Eval, ForcedPromptAndSamplesReachTheJournal) {
  const TemporaryFolder folder;
  const std::string prompt = folder.write("p.txt", "Q={{instruction}}|{{answer_b}}|{{answer_a}}").string();
  const Recording recording = make_recording(folder, 3);
  const Recording random = {recording.suite, "baseline:random"};
  const Ran ran = run_grm(folder.path(),
                          eval(random, folder.path() / "run", {"--samples", "5", "--prompt", prompt, "--order", "given"}));
  ASSERT_EQ(ran.exit_code, kDone) << ran.err;
  const RunContents run = read_run(folder.path() / "run");
  EXPECT_EQ(run.judgements.size(), 15u);
  const auto prompts = read_prompts(folder.path() / "run" / kPromptsFile).prompts;
  EXPECT_EQ(prompts.size(), 3u) << "each prompt once";
  EXPECT_EQ(prompts.at(run.judgements.begin()->second.prompt_hash), "Q=Question 0|second|first of 0");
  std::set<std::pair<std::uint64_t, std::uint64_t>> streams;
  for (const auto& [key, judgement] : run.judgements) streams.insert({judgement.stream.high, judgement.stream.low});
  EXPECT_EQ(streams.size(), 15u) << "a stream of its own for each judgement";
}

TEST(Eval, LimitTakesTheFirstOfOneShuffle) {
  const TemporaryFolder folder;
  const Recording recording = make_recording(folder, 50);
  const auto items = [&](const std::string& limit) {
    const fs::path run = folder.path() / ("run" + limit);
    EXPECT_EQ(run_grm(folder.path(), eval(recording, run, {"--limit", limit})).exit_code, kDone);
    std::set<std::string> found;
    for (const auto& [key, judgement] : read_journal(run / kJournalFile).judgements) found.insert(judgement.item);
    return found;
  };
  const auto few = items("4"), more = items("16");
  EXPECT_EQ(few.size(), 4u);
  EXPECT_EQ(more.size(), 16u);
  EXPECT_TRUE(std::includes(more.begin(), more.end(), few.begin(), few.end()));
}

TEST(Eval, WrongInputIsExitCodeTwoWithOneMessage) {
  const TemporaryFolder folder;
  const Recording good = make_recording(folder, 3);
  const std::string out = (folder.path() / "run").string();
  const std::string pairs = read_file(folder.path() / "pairs.jsonl");
  const std::string broken = "file:" + folder.write("broken.jsonl", pairs + "{\"id\": \n").string();
  const std::string empty = "file:" + folder.write("empty.jsonl", "").string();
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--judge", good.judge, "--suite", broken}, "broken.jsonl line 4"},
      {{"--judge", good.judge, "--suite", empty}, "no items"},
      {{"--judge", good.judge, "--suite", "llmbat"}, "known suites"},
      {{"--judge", good.judge, "--suite", good.suite + "," + good.suite}, "twice"},
      {{"--judge", "baseline:best", "--suite", good.suite}, "baseline:best"},
      {{"--judge", "openai:http://localhost#m", "--suite", good.suite}, "not supported yet"},
      {{"--judge", "replay:absent", "--suite", good.suite}, "absent"},
      {{"--judge", good.judge, "--suite", good.suite, "--prompt", "absent"}, "absent"},
      {{"--judge", good.judge, "--suite", good.suite, "--order", "random"}, "order"},
      {{"--judge", good.judge, "--suite", good.suite, "--max-new", "0"}, "max-new"},
      {{"--judge", good.judge, "--suite", "judgebench", "--data", folder.path().string() + "/absent"}, "no such folder"}};
  for (const auto& [arguments, message] : cases) {
    std::vector<std::string> all = {"eval", "--out", out};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Ran ran = run_grm(folder.path(), all);
    EXPECT_EQ(ran.exit_code, kUserFault) << message;
    EXPECT_THAT(ran.err, HasSubstr(message));
    EXPECT_EQ(ran.out, "");
  }
  EXPECT_FALSE(fs::exists(out)) << "nothing is written before the input is known to be good";
}

TEST(Eval, FilesMayHaveAnyName) {
  const TemporaryFolder folder;
  make_recording(folder, 4);
  const fs::path odd = folder.path() / "a b,c=d^e.jsonl";
  fs::rename(folder.path() / "pairs.jsonl", odd);
  const Ran ran = run_grm(folder.path(), eval({"file:" + odd.string(), "baseline:longer"}, folder.path() / "r"));
  EXPECT_EQ(ran.exit_code, kDone) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("file:a b,c=d^e.jsonl"));
}

TEST(Items, AreOneJsonLineEach) {
  const TemporaryFolder folder;
  const Ran ran = run_grm(folder.path(), {"items", "--suite", make_recording(folder, 3).suite});
  ASSERT_EQ(ran.exit_code, kDone) << ran.err;
  const json first = json::parse(ran.out.substr(0, ran.out.find('\n')));
  EXPECT_EQ(first["item"], "file/pairs.jsonl/0");
  EXPECT_EQ(first["native_key"], "0");
  EXPECT_EQ(first["file"], "pairs.jsonl");
  EXPECT_TRUE(first["domain"].is_null());
  EXPECT_EQ(first["label"], 0);
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 3);
}

class RealSuites : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::is_directory(data_ / "judgebench")) GTEST_SKIP() << "no benchmark data in " << data_.lexically_normal();
  }
  fs::path data_ = fs::path(GRM_SOURCE_DIR) / ".." / "shared" / "data";
};

TEST_F(RealSuites, BaselinesEndToEnd) {
  // What each baseline reaches follows from the data alone: first and second share the judgements, longer and shorter too
  // where the coins agree.
  std::map<std::string, double> pooled;
  for (const std::string name : {"first", "second", "longer", "shorter"}) {
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "run";
    const Ran ran = run_grm(folder.path(), eval({"judgebench,llmbar", "baseline:" + name}, run, {"--data", data_.string()}));
    ASSERT_EQ(ran.exit_code, kDone) << ran.err;
    EXPECT_THAT(ran.out, Not(HasSubstr("published"))) << "the data are the published ones";
    const Scores scores = read_scores(run / kScoresFile);
    for (const ScoreRow& row : scores.rows) {
      if (row.suite == "judgebench" && row.group == "gpt" && row.protocol == "official") {
        EXPECT_EQ(row.n, 350);
        if (name == "first" || name == "second") {
          EXPECT_DOUBLE_EQ(*row.value, 0.0) << "right in one order, wrong in the other";
        }
      }
      if (row.group != "overall" || row.protocol != "pooled" || row.metric != "accuracy") continue;
      pooled[row.suite + " " + name] = *row.value;
      EXPECT_EQ(row.n, row.suite == "judgebench" ? 620 : 419);
    }
    EXPECT_EQ(read_journal(run / kJournalFile).judgements.size(), 2u * (620 + 885));
  }
  EXPECT_DOUBLE_EQ(pooled["judgebench first"], 0.5);
  EXPECT_DOUBLE_EQ(pooled["llmbar second"], 0.5);
  EXPECT_NEAR(pooled["judgebench longer"] + pooled["judgebench shorter"], 1.0, 0.02);
  EXPECT_LT(pooled["llmbar longer"], 0.4) << "LLMBar's adversarial answers are the longer ones";
}

}  // namespace
}  // namespace grm
