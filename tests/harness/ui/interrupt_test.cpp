#include "harness/ui/interrupt.h"

#include <gtest/gtest.h>

#include "harness/error.h"

namespace grm {
namespace {

TEST(Interrupt, FirstSignalSetsAFlag) {
  for (const int signal_number : {SIGINT, SIGTERM}) {
    testing::internal::CaptureStderr();
    {
      const InterruptGuard guard;
      EXPECT_FALSE(interrupted());
      EXPECT_NO_THROW(throw_if_interrupted());
      ::raise(signal_number);
      EXPECT_TRUE(interrupted());
      EXPECT_THROW(throw_if_interrupted(), Unfinished);
    }
    EXPECT_NE(testing::internal::GetCapturedStderr().find("stopping"), std::string::npos);
  }
}

TEST(InterruptDeathTest, SecondSignalEndsAtOnce) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        const InterruptGuard guard;
        ::raise(SIGINT);
        ::raise(SIGINT);
      },
      testing::ExitedWithCode(128 + SIGINT), "stopping");
}

TEST(InterruptDeathTest, WithoutAGuardSignalsEndAsUsual) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        { const InterruptGuard guard; }
        ::raise(SIGTERM);
      },
      testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace grm
