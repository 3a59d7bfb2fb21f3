// Suites' data from the Hub: the program against a server of our own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

#include "harness/run/run_folder.h"
#include "harness/ui/program.h"
#include "tests/harness/hub/hub_server.h"
#include "tests/suites/program.h"
#include "tests/temporary_folder.h"

namespace grm {

using test::TemporaryFolder;
namespace {

using ::testing::HasSubstr;
using nlohmann::json;

/// A Hub with one data set; the program's environment points to it, with a cache of its own.
class SuitesFromHub : public ::testing::Test {
 protected:
  void serve(const std::string& id, const std::vector<std::pair<std::string, std::string>>& files) {
    ServedRepo repo;
    repo.type = "dataset";
    repo.id = id;
    repo.commit = std::string(40, 'c');
    for (const auto& [path, content] : files) repo.files.push_back({path, std::make_shared<const std::string>(content), false});
    server_.add(std::move(repo));
    ::setenv("HF_ENDPOINT", server_.url().c_str(), 1);
    ::setenv("HF_HOME", (folder_.path() / "hub").c_str(), 1);
  }

  void TearDown() override {
    for (const char* name : {"HF_ENDPOINT", "HF_HOME"}) ::unsetenv(name);
  }

  TemporaryFolder folder_;
  HubServer server_;
};

TEST_F(SuitesFromHub, JudgeBenchComesWithItsCommit) {
  const json row = {{"pair_id", "p"}, {"original_id", 1}, {"source", "livebench-math"}, {"question", "Q"},
                    {"response_model", "gpt-4o-2024-05-13"}, {"response_A", "a"}, {"response_B", "b"}, {"label", "A>B"}};
  serve("ScalerLab/JudgeBench", {{"README.md", "hello"}, {"data/gpt-00000-of-00001.jsonl", row.dump() + "\n"}});
  const std::string out = (folder_.path() / "run").string();
  const Ran ran = run_grm(folder_.path(), {"eval", "--judge", "baseline:first", "--suite", "judgebench", "--out", out});
  ASSERT_EQ(ran.exit_code, kDone) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("gpt/math"));
  EXPECT_THAT(ran.out, HasSubstr("counts differ from the published ones"));
  const RunContents run = read_run(out);
  EXPECT_EQ(run.judgements.begin()->first.item, "judgebench/gpt/p");
  for (const Artifact& artifact : run.manifest.artifacts) {
    if (artifact.role != "data:judgebench") continue;
    EXPECT_EQ(artifact.repository, "ScalerLab/JudgeBench");
    EXPECT_EQ(artifact.commit, std::string(40, 'c'));
    EXPECT_TRUE(artifact.sha256.contains("data/gpt-00000-of-00001.jsonl"));
  }
  const Ran offline = run_grm(folder_.path(), {"items", "--suite", "judgebench", "--offline"});
  EXPECT_EQ(offline.exit_code, kDone) << offline.err;
}

TEST_F(SuitesFromHub, ARepositoryWithoutDataIsSaidToBeSo) {
  serve("princeton-nlp/LLMBar", {{"LLMBar.py", "# a loading script"}});
  const Ran ran = run_grm(folder_.path(), {"items", "--suite", "llmbar"});
  EXPECT_EQ(ran.exit_code, kUserFault);
  EXPECT_THAT(ran.err, HasSubstr("--data"));
}

}  // namespace
}  // namespace grm
