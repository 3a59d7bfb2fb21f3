#include "harness/ui/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/temporary_folder.h"

namespace grm {

using test::TemporaryFolder;
using test::slurp;
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

TEST(Progress, WithoutATerminalItWritesPlainLines) {
  const TemporaryFolder folder;
  std::FILE* stream = std::fopen((folder / "log").c_str(), "w");
  {
    Progress progress("judging", 400, counted("judgements"), 100, stream);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 75; ++i) progress.add();
      });
    }
    for (std::thread& thread : threads) thread.join();
    progress.say("a warning");
    progress.finish();
    progress.finish();
  }
  std::fclose(stream);
  const std::string log = slurp(folder / "log");
  EXPECT_THAT(log, HasSubstr("a warning\n"));
  EXPECT_THAT(log, HasSubstr("judging: 400 of 400 judgements, "));
  EXPECT_EQ(log.find("400 of 400"), log.rfind("400 of 400"));  // once
  EXPECT_EQ(log.find('\r'), std::string::npos);
  EXPECT_EQ(log.find('\x1b'), std::string::npos);
}

TEST(Progress, SilentWithoutAStream) {
  Progress progress("judging", 0, counted("judgements"), 0, nullptr);
  progress.add(3);
  progress.say("nobody hears it");
  progress.finish();
}

TEST(Progress, NumbersForPeople) {
  EXPECT_EQ(shown_bytes(0), "0 B");
  EXPECT_EQ(shown_bytes(1500), "1.50 kB");
  EXPECT_EQ(shown_bytes(269e6), "269 MB");
  EXPECT_EQ(shown_bytes(999.6e9), "1.00 TB");
  EXPECT_EQ(shown_seconds(3.2), "3 s");
  EXPECT_EQ(shown_seconds(125), "2 min 05 s");
  EXPECT_EQ(shown_seconds(7261), "2 h 01 min");
  EXPECT_EQ(shown_rate(12.34), "12.3/s");
  EXPECT_EQ(shown_rate(0.7), "42.0/min");
  EXPECT_EQ(shown_rate(0.001), "3.6/h");
}

}  // namespace
}  // namespace grm
