#include "harness/run/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "harness/error.h"
#include "tests/harness/run/toy_run.h"
#include "tests/temporary_folder.h"

namespace grm {

using test::TemporaryFolder;
using test::put;
using test::slurp;
using test::message_of;
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

pid_t start_toy_run(const std::filesystem::path& folder, int count, const std::string& file_limit = {}) {
  std::vector<std::string> words{GRM_BINARY_DIR "/tests/harness/judge_toy_run", folder.string(), std::to_string(count)};
  if (!file_limit.empty()) words.push_back(file_limit);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = -1;
  if (::posix_spawn(&child, argv[0], nullptr, nullptr, argv.data(), environ) != 0) ADD_FAILURE() << "cannot start " << words[0];
  return child;
}

/// Exit code, or minus the signal.
int wait_for(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int run_toy(const std::filesystem::path& folder, int count, const std::string& file_limit = {}) {
  return wait_for(start_toy_run(folder, count, file_limit));
}

/// What must be equal between two runs: records by key without seconds, prompts, scores.
std::string essence(const std::filesystem::path& folder) {
  std::string text;
  for (const auto& [key, judgement] : read_run(folder).judgements) {
    nlohmann::json object = to_json(judgement);
    object.erase("seconds");
    text += canonical_dump(object) + "\n";
  }
  for (const auto& [hash, prompt] : read_prompts(folder / kPromptsFile).prompts) text += prompt + "\n";
  return text + slurp(folder / kScoresFile);
}

TEST(RunFolder, KilledAtRandomInstantsItGoesOnToTheSameRecords) {
  using Clock = std::chrono::steady_clock;
  const TemporaryFolder folder;
  constexpr int kCount = 160;
  constexpr int kKills = 20;
  const auto start = Clock::now();
  ASSERT_EQ(run_toy(folder / "undisturbed", kCount), 0);
  const auto duration = Clock::now() - start;  // so that kills fall into the work on a slow machine too
  const StreamKey stream = stream_key(20260131, "kill");
  std::uint32_t attempt = 0;
  int kills = 0;
  for (int round = 0; kills < kKills; ++round) {
    ASSERT_LT(round, kKills) << "the kills come too late";
    const auto run = folder / fmt::format("killed{}", round);
    for (int code = -SIGKILL; code != 0;) {
      const pid_t child = start_toy_run(run, kCount);
      if (kills < kKills) {
        std::this_thread::sleep_for(duration * random_uniform(stream, attempt++) * 0.7);
        ::kill(child, SIGKILL);
      }
      code = wait_for(child);
      ASSERT_TRUE(code == 0 || code == -SIGKILL) << code;
      kills += code == 0 ? 0 : 1;
    }
    EXPECT_EQ(essence(run), essence(folder / "undisturbed"));
    EXPECT_FALSE(read_manifest(run / kManifestFile).end.empty());
  }
}

TEST(RunFolder, FileSizeLimitLeavesWholeRecordsAndGoesOn) {
  const TemporaryFolder folder;
  ASSERT_EQ(run_toy(folder / "undisturbed", 20), 0);
  for (const char* limit : {"0", "10", "300", "700", "5000", "200000", "250000"}) {
    const auto run = folder / (std::string("limited") + limit);
    EXPECT_EQ(run_toy(run, 20, limit), 3) << limit;
    if (std::filesystem::exists(run / kJournalFile)) {
      EXPECT_EQ(read_journal(run / kJournalFile).end.torn_bytes, 0u);
      EXPECT_EQ(read_prompts(run / kPromptsFile).end.torn_bytes, 0u);
    }
    EXPECT_EQ(run_toy(run, 20), 0) << limit;
    EXPECT_EQ(essence(run), essence(folder / "undisturbed"));
  }
}

TEST(RunFolder, FullDiskLeavesWholeRecordsAndGoesOn) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "disk");
  const auto mount = [&](const char* size, unsigned long flags) {
    return ::mount("tmpfs", (folder / "disk").c_str(), "tmpfs", flags, size) == 0;
  };
  if (!mount("size=600k", 0)) GTEST_SKIP() << "no right to mount a small file system (FileSizeLimit… tests the same path)";
  EXPECT_EQ(run_toy(folder / "disk/run", 20), 3);
  EXPECT_EQ(read_journal(folder / "disk/run/journal.jsonl").end.torn_bytes, 0u);
  EXPECT_FALSE(read_journal(folder / "disk/run/journal.jsonl").judgements.empty());
  EXPECT_TRUE(mount("size=8m", MS_REMOUNT));
  EXPECT_EQ(run_toy(folder / "disk/run", 20), 0);
  EXPECT_EQ(run_toy(folder / "undisturbed", 20), 0);
  EXPECT_EQ(essence(folder / "disk/run"), essence(folder / "undisturbed"));
  ::umount((folder / "disk").c_str());
}

TEST(RunFolder, SecondProcessIsTurnedAway) {
  const TemporaryFolder folder;
  {
    RunFolder run(folder / "run", toy_manifest(4));
    EXPECT_EQ(run_toy(folder / "run", 4), 2);
    EXPECT_THAT(message_of<UserError>([&] { lock_run(folder / "run"); }), HasSubstr("another process is using this run"));
    EXPECT_TRUE(read_run(folder / "run").judgements.empty());  // reading needs no lock
  }
  EXPECT_EQ(run_toy(folder / "run", 4), 0);
}

TEST(RunFolder, OtherSettingsAreRefusedWithAllDifferences) {
  const TemporaryFolder folder;
  { RunFolder(folder / "run", toy_manifest(4)); }
  const std::string before = slurp(folder / "run/manifest.json");

  Manifest other = toy_manifest(4);
  other.effective["temperature"] = 1.0;
  other.effective["top_p"] = 0.9;
  other.effective.erase("suite");
  other.seeds.sampling = 99;
  other.artifacts[0].sha256["model.safetensors"] = std::string(64, 'e');
  other.machine.threads = 4;
  other.requested["json"] = true;  // these three may differ
  other.tuning["batch"] = 64;
  other.machine.driver = "1.2";
  const std::string message = message_of<UserError>([&] { RunFolder(folder / "run", other); });
  EXPECT_THAT(message, AllOf(HasSubstr("effective/temperature: 0.7 in the run, 1.0 now"), HasSubstr("effective/top_p: absent in the run, 0.9 now"),
                             HasSubstr("effective/suite: \"toy\" in the run, absent now"), HasSubstr("seeds/sampling"),
                             HasSubstr("artifacts/judge/sha256/model.safetensors"), HasSubstr("machine/threads: 2 in the run, 4 now")));
  EXPECT_THAT(message, AllOf(Not(HasSubstr("requested")), Not(HasSubstr("tuning")), Not(HasSubstr("driver")), Not(HasSubstr("start"))));
  EXPECT_EQ(slurp(folder / "run/manifest.json"), before);

  Manifest same = toy_manifest(4);
  same.tuning["batch"] = 64;
  same.requested["json"] = true;
  const RunFolder run(folder / "run", same);
  EXPECT_TRUE(run.resumed());
  EXPECT_EQ(run.manifest().resumes.size(), 1u);
}

TEST(RunFolder, FoldersThatAreNoRunAreLeftAlone) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "notes");
  put(folder / "notes/thesis.txt", "years of work");
  EXPECT_THAT(message_of<UserError>([&] { RunFolder(folder / "notes", toy_manifest(1)); }),
              AllOf(HasSubstr("thesis.txt"), HasSubstr("is not a run")));
  EXPECT_FALSE(std::filesystem::exists(folder / "notes/.lock"));
  put(folder / "file", "");
  EXPECT_THROW(RunFolder(folder / "file", toy_manifest(1)), UserError);
  EXPECT_THROW(read_run(folder / "notes"), UserError);
  EXPECT_THROW(read_run(folder / "absent"), UserError);
  std::filesystem::create_directory(folder / "empty");
  EXPECT_FALSE(RunFolder(folder / "empty", toy_manifest(1)).resumed());
  // Killed before its manifest was there.
  std::filesystem::create_directory(folder / "early");
  put(folder / "early/.lock", "");
  put(folder / "early/manifest.json.01234567.tmp", "{");
  EXPECT_FALSE(RunFolder(folder / "early", toy_manifest(1)).resumed());
  EXPECT_FALSE(std::filesystem::exists(folder / "early/manifest.json.01234567.tmp"));
}

TEST(RunFolder, DamagedOrNewerManifestIsAClearError) {
  const TemporaryFolder folder;
  { RunFolder(folder / "run", toy_manifest(1)); }
  const std::string whole = slurp(folder / "run/manifest.json");
  put(folder / "run/manifest.json", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(message_of<UserError>([&] { RunFolder(folder / "run", toy_manifest(1)); }), HasSubstr("manifest.json"));
  std::string newer = whole;
  newer.replace(newer.find("\"version\": 1\n"), 12, "\"version\": 2");
  put(folder / "run/manifest.json", newer);
  EXPECT_THAT(message_of<UserError>([&] { RunFolder(folder / "run", toy_manifest(1)); }), HasSubstr("newer program"));
}

TEST(RunFolder, ReadingARunLeavesATornLineInPlace) {
  const TemporaryFolder folder;
  ASSERT_EQ(run_toy(folder / "run", 4), 0);
  const std::string torn = slurp(folder / "run/journal.jsonl") + R"({"item":)";
  put(folder / "run/journal.jsonl", torn);
  const RunContents contents = read_run(folder / "run");
  EXPECT_EQ(contents.judgements.size(), 4u);
  EXPECT_EQ(contents.warnings.size(), 1u);
  EXPECT_EQ(slurp(folder / "run/journal.jsonl"), torn);
}

}  // namespace
}  // namespace grm
