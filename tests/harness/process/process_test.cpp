#include "harness/process/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "harness/error.h"
#include "tests/temporary_folder.h"

namespace grm {

using test::TemporaryFolder;
using test::slurp;
using test::message_of;
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

ProcessResult shell(const std::string& script, ProcessOptions options = {}) { return run_process({"sh", "-c", script}, options); }

TEST(Process, GivesOutputErrorsAndExitCode) {
  const ProcessResult result = shell("echo out; echo err >&2; exit 7");
  EXPECT_EQ(result.output, "out\n");
  EXPECT_EQ(result.errors, "err\n");
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(result.signal, 0);
  EXPECT_FALSE(result.succeeded());
  EXPECT_TRUE(shell("true").succeeded());
}

TEST(Process, ArgumentsReachTheProgramAsTheyAre) {
  EXPECT_EQ(run_process({"printf", "%s|", "a b", "", "$HOME", "*", "ü\n"}).output, "a b||$HOME|*|ü\n|");
}

TEST(Process, SaysWhichSignalEndedIt) {
  const ProcessResult result = shell("kill -TERM $$");
  EXPECT_EQ(result.signal, SIGTERM);
  EXPECT_EQ(result.exit_code, 128 + SIGTERM);
  EXPECT_FALSE(result.timed_out);
}

TEST(Process, WhatCannotBeStartedIsAUserError) {
  EXPECT_THAT(message_of<UserError>([] { run_process({"no-such-program-anywhere"}); }), HasSubstr("no-such-program-anywhere"));
  EXPECT_THAT(message_of<UserError>([] { run_process({"/etc/passwd"}); }), HasSubstr("Permission denied"));
  EXPECT_THAT(message_of<UserError>([] { run_process({"/no/such/file"}); }), HasSubstr("/no/such/file"));
  ProcessOptions options;
  options.working_directory = "/no/such/folder";
  EXPECT_THROW(shell("true", options), UserError);
  EXPECT_THROW(run_process({}), UserError);
}

TEST(Process, LargeOutputsOnBothStreamsAreDrained) {
  const ProcessResult result = shell("head -c 3000000 /dev/zero & head -c 2000000 /dev/zero >&2; wait");
  EXPECT_EQ(result.output.size(), 3000000u);
  EXPECT_EQ(result.errors.size(), 2000000u);
  EXPECT_FALSE(result.output_cut);
  ProcessOptions options;
  options.max_output_bytes = 1000;
  const ProcessResult cut = shell("head -c 300000 /dev/zero; echo small >&2", options);
  EXPECT_EQ(cut.output.size(), 1000u);
  EXPECT_EQ(cut.errors, "small\n");
  EXPECT_TRUE(cut.output_cut);
  EXPECT_EQ(cut.exit_code, 0);
}

TEST(Process, InputIsFedOrIgnored) {
  ProcessOptions options;
  options.input = std::string(2000000, 'x') + "end";
  EXPECT_EQ(run_process({"cat"}, options).output, options.input);
  EXPECT_EQ(run_process({"true"}, options).exit_code, 0);  // closes its input unread
  EXPECT_EQ(shell("exec <&-; sleep 0.2; echo still here", options).output, "still here\n");
  EXPECT_EQ(run_process({"cat"}).output, "");
}

TEST(Process, EnvironmentAndFolder) {
  const TemporaryFolder folder;
  ::setenv("GRM_TEST_GONE", "1", 1);
  ::setenv("GRM_TEST_KEPT", "2", 1);
  ProcessOptions options;
  options.environment = {{"GRM_TEST_NEW", "a=b c"}, {"GRM_TEST_GONE", std::nullopt}};
  options.working_directory = folder.path();
  EXPECT_EQ(shell("echo \"$GRM_TEST_NEW|${GRM_TEST_GONE-none}|$GRM_TEST_KEPT\"; pwd -P", options).output,
            "a=b c|none|2\n" + std::filesystem::canonical(folder.path()).string() + "\n");
}

TEST(Process, TimeoutKillsTheWholeGroup) {
  const TemporaryFolder folder;
  ProcessOptions options;
  options.timeout = 300ms;
  // A grandchild that holds the output open, and a leader that ignores what is polite.
  const ProcessResult result =
      shell("trap '' TERM INT; sleep 1000 & echo $! > " + (folder / "pid").string() + "; echo begun; while :; do sleep 1000; done", options);
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.signal, SIGKILL);
  EXPECT_EQ(result.output, "begun\n");
  const pid_t grandchild = std::stoi(slurp(folder / "pid"));
  // Gone, or a zombie that waits for init.
  const auto alive = [&] {
    const std::string stat = slurp("/proc/" + std::to_string(grandchild) + "/stat");
    return !stat.empty() && stat.find(") Z") == std::string::npos;
  };
  for (int i = 0; i < 500 && alive(); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_FALSE(alive());
}

TEST(Process, WhatAChildLeavesBehindIsNotWaitedForForEver) {
  const ProcessResult result = shell("sleep 1000 & echo done");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, "done\n");
}

TEST(Process, StopsWhenAsked) {
  std::atomic<int> asked = 0;
  ProcessOptions options;
  options.should_stop = [&] { return ++asked == 3; };
  const ProcessResult result = shell("sleep 1000", options);
  EXPECT_TRUE(result.stopped);
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(asked, 3);
}

TEST(Process, ManyAtOnceDoNotHoldEachOther) {
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([t, &right] {
      for (int i = 0; i < 4; ++i) {
        ProcessOptions options;
        options.input = std::to_string(t * 100 + i);
        if (t % 4 == 0) {
          options.timeout = 50ms;
          right += run_process({"sleep", "1000"}, options).timed_out ? 1 : 0;
        } else {
          const ProcessResult result = shell("cat; head -c 300000 /dev/zero >&2; exit 3", options);
          right += result.output == options.input && result.errors.size() == 300000 && result.exit_code == 3 ? 1 : 0;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 64);
}

TEST(Process, ChildrenInheritNoOtherDescriptor) {
  std::vector<int> descriptors;
  for (int i = 0; i < 20; ++i) descriptors.push_back(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC
  // ls itself opens one to read the folder.
  EXPECT_EQ(shell("ls /proc/self/fd | wc -l").output, "4\n");
  for (const int descriptor : descriptors) ::close(descriptor);
}

TEST(Process, SignalMaskIsAsBefore) {
  sigset_t before;
  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  ProcessOptions options;
  options.input = std::string(1000000, 'x');
  run_process({"true"}, options);
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  EXPECT_EQ(::sigismember(&before, SIGPIPE), ::sigismember(&after, SIGPIPE));
  sigset_t pending;
  ::sigpending(&pending);
  EXPECT_EQ(::sigismember(&pending, SIGPIPE), 0);
  EXPECT_THAT(shell("grep SigBlk /proc/self/status").output, HasSubstr("0000000000000000"));
}

}  // namespace
}  // namespace grm
