#include "harness/files/file_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "harness/error.h"
#include "tests/temporary_folder.h"

namespace grm {

using test::TemporaryFolder;
namespace {

TEST(FileLock, ASecondHolderIsRefusedUntilTheFirstLetsGo) {
  const TemporaryFolder scratch;
  const auto path = scratch.path() / "lock";
  {
    const auto first = FileLock::try_acquire(path);
    ASSERT_TRUE(first.has_value());
    EXPECT_FALSE(FileLock::try_acquire(path).has_value());
  }
  EXPECT_TRUE(FileLock::try_acquire(path).has_value());
}

TEST(FileLock, DiesWithItsProcess) {
  const TemporaryFolder scratch;
  const auto path = scratch.path() / "lock";
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const FileLock held = FileLock::acquire(path);
    if (::write(ready[1], "x", 1) == 1) ::pause();
    ::_exit(1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_FALSE(FileLock::try_acquire(path).has_value());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(FileLock::try_acquire(path).has_value());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(FileLock, AMovedLockIsStillHeld) {
  const TemporaryFolder scratch;
  const auto path = scratch.path() / "lock";
  FileLock first = FileLock::acquire(path);
  const FileLock second = std::move(first);
  EXPECT_FALSE(FileLock::try_acquire(path).has_value());
}

TEST(FileLock, AMissingFolderIsNamed) {
  const TemporaryFolder scratch;
  EXPECT_THROW(FileLock::acquire(scratch.path() / "absent" / "lock"), Unfinished);
}

}  // namespace
}  // namespace grm
