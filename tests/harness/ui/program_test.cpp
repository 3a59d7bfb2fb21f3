#include "harness/ui/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <system_error>

#include "harness/error.h"
#include "harness/run/provenance.h"
#include "tests/temporary_folder.h"

namespace grm {

using test::TemporaryFolder;
using test::put;
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct Arguments {
  std::string judge = "none";
  int limit = 0;
  bool json = false;
  std::vector<std::string> suites;
};

struct Outcome {
  int code = -1;
  std::string output;
  std::string errors;
  Arguments arguments;
  bool ran = false;
};

/// A program with two commands; `action` is what `eval` does.
Outcome call(std::vector<std::string> words, const std::function<int()>& action = [] { return 0; }) {
  Outcome outcome;
  Program program;
  program.app.require_subcommand(1);
  CLI::App* command = add_command(program, "eval", "Judge", "grm eval --judge X", [&] {
    outcome.ran = true;
    return action();
  });
  command->add_option("--judge", outcome.arguments.judge)->required();
  command->add_option("--limit", outcome.arguments.limit);
  command->add_option("--suite", outcome.arguments.suites)->delimiter(',');
  command->add_flag("--json", outcome.arguments.json);
  int depth = 0;
  add_command(program, "other", "Another", "grm other", [] { return 0; })->add_option("--depth", depth);
  words.insert(words.begin(), "grm");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  outcome.code = run_program(program, static_cast<int>(argv.size()), argv.data());
  outcome.output = testing::internal::GetCapturedStdout();
  outcome.errors = testing::internal::GetCapturedStderr();
  return outcome;
}

TEST(Program, ErrorsBecomeExitCodesAndOneMessage) {
  const auto code_of = [](const auto& error) { return call({"eval", "--judge", "x"}, [&]() -> int { throw error; }).code; };
  EXPECT_EQ(call({"eval", "--judge", "x"}).code, kDone);
  EXPECT_EQ(call({"eval", "--judge", "x"}, [] { return int{kAnswerIsNo}; }).code, kAnswerIsNo);
  EXPECT_EQ(code_of(UserError("bad value")), kUserFault);
  EXPECT_EQ(code_of(std::runtime_error("bad model")), kUserFault);
  EXPECT_EQ(code_of(Unfinished("server down")), kUnfinished);
  EXPECT_EQ(code_of(std::bad_alloc()), kUnfinished);
  EXPECT_EQ(code_of(std::system_error(ENOSPC, std::generic_category())), kUnfinished);
  EXPECT_EQ(code_of(std::filesystem::filesystem_error("x", std::error_code(EIO, std::generic_category()))), kUnfinished);
  EXPECT_EQ(code_of(std::out_of_range("vector")), kUnfinished);
  const Outcome outcome = call({"eval", "--judge", "x"}, []() -> int { throw UserError("items.jsonl:3: no label"); });
  EXPECT_EQ(outcome.errors, "grm: items.jsonl:3: no label\n");
  EXPECT_EQ(outcome.output, "");
}

TEST(Program, WrongUsageIsTwoAndHelpAndVersionAreZero) {
  EXPECT_EQ(call({}).code, kUserFault);
  EXPECT_EQ(call({"eval"}).code, kUserFault);
  EXPECT_EQ(call({"eval", "--judge", "x", "--limt", "3"}).code, kUserFault);
  EXPECT_EQ(call({"eval", "--judge", "x", "--limit", "many"}).code, kUserFault);
  EXPECT_EQ(call({"evil"}).code, kUserFault);
  const Outcome help = call({"eval", "--help"});
  EXPECT_EQ(help.code, kDone);
  EXPECT_THAT(help.output, AllOf(HasSubstr("grm eval --judge X"), HasSubstr("--limit"), HasSubstr("--config")));
  EXPECT_FALSE(help.ran);
  const Outcome version = call({"--version"});
  EXPECT_EQ(version.code, kDone);
  EXPECT_EQ(version.output, version_text(build_info()) + "\n");
}

TEST(Program, OptionsComeFromAFileAndTheCommandLineWins) {
  const TemporaryFolder folder;
  put(folder / "plain.toml", "# a comment\njudge = \"org/model\"\nlimit = 16\njson = true\nsuite = [\"judgebench\", \"llmbar\"]\n");
  const std::string plain = (folder / "plain.toml").string();
  Outcome outcome = call({"eval", "--config", plain});
  EXPECT_EQ(outcome.code, kDone) << outcome.errors;
  EXPECT_TRUE(outcome.ran);
  EXPECT_EQ(outcome.arguments.judge, "org/model");
  EXPECT_EQ(outcome.arguments.limit, 16);
  EXPECT_TRUE(outcome.arguments.json);
  EXPECT_THAT(outcome.arguments.suites, testing::ElementsAre("judgebench", "llmbar"));
  outcome = call({"--config", plain, "eval", "--limit", "3", "--suite", "a,b,c"});
  EXPECT_EQ(outcome.arguments.limit, 3);
  EXPECT_EQ(outcome.arguments.judge, "org/model");
  EXPECT_EQ(outcome.arguments.suites.size(), 3u);

  put(folder / "sections.toml", "[eval]\njudge = \"m\"\n\n[other]\ndepth = 4\n");
  outcome = call({"eval", "--config", (folder / "sections.toml").string()});
  EXPECT_EQ(outcome.code, kDone) << outcome.errors;
  EXPECT_EQ(outcome.arguments.judge, "m");
}

TEST(Program, UnknownKeysAndAbsentFilesAreErrors) {
  const TemporaryFolder folder;
  const auto code_of = [&](const std::string& text) {
    put(folder / "c.toml", text);
    const Outcome outcome = call({"eval", "--judge", "x", "--config", (folder / "c.toml").string()});
    EXPECT_FALSE(outcome.ran);
    EXPECT_FALSE(outcome.errors.empty());
    return outcome.code;
  };
  EXPECT_EQ(code_of("limt = 3\n"), kUserFault);
  EXPECT_EQ(code_of("[evil]\nlimit = 3\n"), kUserFault);
  EXPECT_EQ(code_of("[eval]\nlimt = 3\n"), kUserFault);
  EXPECT_EQ(code_of("limit = \"many\"\n"), kUserFault);
  EXPECT_EQ(call({"eval", "--judge", "x", "--config", (folder / "absent.toml").string()}).code, kUserFault);
}

}  // namespace
}  // namespace grm
