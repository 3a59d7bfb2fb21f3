// grm eval with a local checkpoint, as a child process: the same journal whatever the batch, the order of items, the threads, and
// however often it was killed.
#include "suites/judge/local_judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "harness/files/atomic_file.h"
#include "harness/random/philox.h"
#include "harness/run/journal.h"
#include "harness/run/run_folder.h"
#include "harness/ui/program.h"
#include "tests/harness/hub/hub_server.h"
#include "tests/suites/program.h"
#include "tests/temporary_folder.h"
#include "tests/suites/tiny_checkpoint.h"

namespace grm {

using test::TemporaryFolder;
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// Pairs of every length; the sixth has an instruction that no context holds.
std::string make_pairs(std::size_t count, bool reversed) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t length = i == 5 ? 3000 : 1 + i * 37 % 160;
    lines.push_back(nlohmann::json{{"id", i},
                                   {"instruction", std::string(length, static_cast<char>('a' + i % 26)) + std::to_string(i)},
                                   {"answers", {"yes " + std::to_string(i), "no"}},
                                   {"label", i % 2}}
                        .dump());
  }
  if (reversed) std::reverse(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

struct Setting {
  TemporaryFolder folder;
  fs::path model = folder.path() / "model";
  explicit Setting(at::ScalarType dtype) {
    test::write_tiny_checkpoint(model, dtype, 1024);
    folder.write("prompt.txt", "{{instruction}}\nA: {{answer_a}}\nB: {{answer_b}}\n");
  }
  /// The run's records, sorted by key and without seconds.
  std::vector<std::string> records(const std::string& run) const {
    std::vector<std::string> lines;
    for (const auto& [key, judgement] : read_journal(folder.path() / run / kJournalFile).judgements) {
      nlohmann::json record = to_json(judgement);
      record.erase("seconds");
      lines.push_back(record.dump());
    }
    return lines;
  }
  std::vector<std::string> command(const std::string& run, const std::string& pairs, std::vector<std::string> more) const {
    std::vector<std::string> arguments = {"eval", "--judge", model.string(), "--suite", "file:" + (folder.path() / pairs).string(),
                                          "--prompt", (folder.path() / "prompt.txt").string(), "--max-new", "40", "--temperature", "0.9",
                                          "--out", (folder.path() / run).string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

class LocalJudgeTest : public testing::TestWithParam<const char*> {
 protected:
  Setting setting_{std::string(GetParam()) == "float32" ? at::kFloat : at::kBFloat16};
};
INSTANTIATE_TEST_SUITE_P(Dtypes, LocalJudgeTest, testing::Values("float32", "bfloat16"), [](const auto& param) { return std::string(param.param); });

TEST_P(LocalJudgeTest, TheSameRecordsWhateverTheBatchTheOrderAndTheThreads) {
  setting_.folder.write("one/pairs.jsonl", make_pairs(30, false));
  setting_.folder.write("two/pairs.jsonl", make_pairs(30, true));
  const Ran one = run_grm(setting_.folder.path(), setting_.command("one/run", "one/pairs.jsonl", {"--batch", "1", "--threads", "1"}));
  ASSERT_EQ(one.exit_code, kDone) << one.err;
  const Ran two = run_grm(setting_.folder.path(), setting_.command("two/run", "two/pairs.jsonl", {"--batch", "17", "--threads", "2", "--kv-memory", "3MB"}));
  ASSERT_EQ(two.exit_code, kDone) << two.err;
  const std::vector<std::string> records = setting_.records("one/run");
  ASSERT_EQ(records.size(), 60u);
  EXPECT_EQ(records, setting_.records("two/run"));
}

TEST_P(LocalJudgeTest, KilledTenTimesAndGoneOnWithGivesTheSameRecords) {
  setting_.folder.write("pairs.jsonl", make_pairs(110, false));
  ASSERT_EQ(run_grm(setting_.folder.path(), setting_.command("calm", "pairs.jsonl", {})).exit_code, kDone);
  const fs::path journal = setting_.folder.path() / "killed" / kJournalFile;
  int kills = 0;
  for (std::uint32_t round = 0; round < 10; ++round) {
    GrmProcess process(setting_.folder.path(), setting_.command("killed", "pairs.jsonl", {"--batch", std::to_string(2 + round)}));
    const auto size = [&] {
      std::error_code absent;
      const auto bytes = fs::file_size(journal, absent);
      return absent ? std::uintmax_t{0} : bytes;
    };
    const std::uintmax_t enough = size() + random_below(stream_key(1, "kill"), round, 12000);
    while (!process.ended() && size() <= enough) std::this_thread::sleep_for(std::chrono::microseconds(100));
    process.signal(SIGKILL);
    kills += process.wait().exit_code == 128 + SIGKILL;
    if (round % 3 == 2) fs::resize_file(journal, size() - 7);  // as if the last line had been written in part
  }
  EXPECT_EQ(kills, 10);
  const Ran last = run_grm(setting_.folder.path(), setting_.command("killed", "pairs.jsonl", {"--batch", "32"}));
  ASSERT_EQ(last.exit_code, kDone) << last.err;
  EXPECT_EQ(setting_.records("killed").size(), 220u);
  EXPECT_EQ(setting_.records("killed"), setting_.records("calm"));
  EXPECT_EQ(read_file(setting_.folder.path() / "killed" / kScoresFile), read_file(setting_.folder.path() / "calm" / kScoresFile));
}

TEST(LocalJudge, APromptThatDoesNotFitIsAnErrorOfItsItemAlone) {
  const Setting setting(at::kFloat);
  setting.folder.write("pairs.jsonl", make_pairs(8, false));
  const Ran ran = run_grm(setting.folder.path(), setting.command("run", "pairs.jsonl", {}));
  ASSERT_EQ(ran.exit_code, kDone) << ran.err;
  int errors = 0;
  for (const auto& [key, judgement] : read_journal(setting.folder.path() / "run" / kJournalFile).judgements) {
    if (judgement.finish != Finish::error) continue;
    ++errors;
    EXPECT_THAT(judgement.item, HasSubstr("/5"));
    EXPECT_THAT(judgement.error, HasSubstr("does not fit the context of 1024"));
    EXPECT_FALSE(judgement.verdict.has_value());
  }
  EXPECT_EQ(errors, 2);
}

TEST(LocalJudge, ForcedMechanismBeginsTheRationale) {
  const Setting setting(at::kFloat);
  setting.folder.write("pairs.jsonl", make_pairs(3, false));
  const Ran ran = run_grm(setting.folder.path(), setting.command("run", "pairs.jsonl", {"--mechanism", "breadth"}));
  ASSERT_EQ(ran.exit_code, kDone) << ran.err;
  for (const auto& [key, judgement] : read_journal(setting.folder.path() / "run" / kJournalFile).judgements) {
    EXPECT_THAT(judgement.text, testing::StartsWith("### 1. Principle of"));
  }
}

TEST(LocalJudge, AStopTextEndsTheJudgementBehindIt) {
  const Setting setting(at::kFloat);
  setting.folder.write("pairs.jsonl", make_pairs(4, false));
  ASSERT_EQ(run_grm(setting.folder.path(), setting.command("free", "pairs.jsonl", {"--mechanism", "breadth"})).exit_code, kDone);
  const auto free = read_journal(setting.folder.path() / "free" / kJournalFile).judgements;
  const std::string text = free.begin()->second.text;
  const std::string forced = "### 1. Principle of";  // holds letters too, which must not count
  const std::size_t middle = text.find_first_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", forced.size());
  ASSERT_NE(middle, std::string::npos) << "choose another seed: no letter drawn in " << text;
  const std::string stop(1, text[middle]);
  const Ran ran = run_grm(setting.folder.path(), setting.command("stopped", "pairs.jsonl", {"--mechanism", "breadth", "--stop", stop}));
  ASSERT_EQ(ran.exit_code, kDone) << ran.err;
  const auto stopped = read_journal(setting.folder.path() / "stopped" / kJournalFile).judgements;
  EXPECT_EQ(stopped.begin()->second.text, text.substr(0, middle + 1));
  for (const auto& [key, judgement] : stopped) {
    const std::string& whole = free.at(key).text;
    EXPECT_TRUE(whole.starts_with(judgement.text)) << judgement.text << " | " << whole;
    if (judgement.text != whole) {
      EXPECT_TRUE(judgement.text.ends_with(stop));
      EXPECT_EQ(judgement.finish, Finish::stop);
    }
  }
}

TEST(LocalJudge, ACheckpointFromTheHubJudgesAsItsFolderDoes) {
  const Setting setting(at::kBFloat16);
  setting.folder.write("pairs.jsonl", make_pairs(10, false));
  ASSERT_EQ(run_grm(setting.folder.path(), setting.command("folder", "pairs.jsonl", {})).exit_code, kDone);
  ServedRepo repo;
  repo.id = "someone/tiny";
  repo.commit = std::string(40, 'd');
  for (const auto& file : fs::directory_iterator(setting.model)) {
    repo.files.push_back({file.path().filename().string(), std::make_shared<const std::string>(read_file(file.path())),
                          file.path().extension() == ".safetensors"});
  }
  repo.files.push_back({"pytorch_model.bin", std::make_shared<const std::string>("not wanted"), true});
  HubServer server;
  server.add(std::move(repo));
  ::setenv("HF_ENDPOINT", server.url().c_str(), 1);
  ::setenv("HF_HOME", (setting.folder.path() / "cache").c_str(), 1);
  std::vector<std::string> command = setting.command("hub", "pairs.jsonl", {});
  command[2] = "someone/tiny";
  const Ran ran = run_grm(setting.folder.path(), command);
  ::unsetenv("HF_ENDPOINT");
  ::unsetenv("HF_HOME");
  ASSERT_EQ(ran.exit_code, kDone) << ran.err;
  EXPECT_EQ(setting.records("hub"), setting.records("folder"));
  const Manifest manifest = read_manifest(setting.folder.path() / "hub" / kManifestFile);
  const auto judge = std::ranges::find(manifest.artifacts, "judge", &Artifact::role);
  ASSERT_NE(judge, manifest.artifacts.end());
  EXPECT_EQ(judge->repository, "someone/tiny");
  EXPECT_EQ(judge->commit, std::string(40, 'd'));
  EXPECT_TRUE(judge->sha256.contains("model.safetensors"));
  EXPECT_FALSE(judge->sha256.contains("pytorch_model.bin"));
}

struct Broken {
  const char* name;
  std::function<void(const fs::path& model)> damage;
  const char* message;
};

class BrokenCheckpoint : public testing::TestWithParam<Broken> {};
TEST_P(BrokenCheckpoint, EndsWithOneMessageAndExitCodeTwo) {
  const Setting setting(at::kFloat);
  setting.folder.write("pairs.jsonl", make_pairs(2, false));
  GetParam().damage(setting.model);
  const Ran ran = run_grm(setting.folder.path(), setting.command("run", "pairs.jsonl", {}));
  EXPECT_EQ(ran.exit_code, kUserFault);
  EXPECT_THAT(ran.err, HasSubstr(GetParam().message));
  EXPECT_EQ(ran.out, "");
}

void replace(const fs::path& file, const std::string& from, const std::string& to) {
  std::string text = read_file(file);
  const auto at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  write_file_atomically(file, text.replace(at, from.size(), to));
}

INSTANTIATE_TEST_SUITE_P(
    All, BrokenCheckpoint,
    testing::Values(
        Broken{"NoConfig", [](const fs::path& m) { fs::remove(m / "config.json"); }, "config.json"},
        Broken{"NoWeights", [](const fs::path& m) { fs::remove(m / "model.safetensors"); }, "model.safetensors"},
        Broken{"WeightsCutShort", [](const fs::path& m) { fs::resize_file(m / "model.safetensors", 5000); }, "model.safetensors"},
        Broken{"NoTokenizer", [](const fs::path& m) { fs::remove(m / "tokenizer.json"); }, "tokenizer.json"},
        Broken{"UnknownTokenizerModel", [](const fs::path& m) { replace(m / "tokenizer.json", "\"BPE\"", "\"Unigram\""); }, "Unigram"},
        Broken{"UnknownArchitecture", [](const fs::path& m) { replace(m / "config.json", "Qwen3ForCausalLM", "MambaForCausalLM"); }, "MambaForCausalLM"},
        Broken{"NoTemplate", [](const fs::path& m) { write_file_atomically(m / "tokenizer_config.json", "{}"); }, "template"},
        Broken{"TemplateThatRaises",
               [](const fs::path& m) {
                 write_file_atomically(m / "tokenizer_config.json", R"({"chat_template": "{{ raise_exception('no user turns') }}"})");
               },
               "no user turns"},
        Broken{"ShapesThatDisagree", [](const fs::path& m) { replace(m / "config.json", "\"intermediate_size\":", "\"intermediate_size\":2"); }, "shape"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace grm
