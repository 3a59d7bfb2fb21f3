#include "harness/files/atomic_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <set>
#include <string>

#include "harness/error.h"
#include "tests/temporary_folder.h"

namespace grm {

using test::TemporaryFolder;
namespace {

std::set<std::string> names_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

TEST(AtomicFile, WritesAndReplaces) {
  const TemporaryFolder scratch;
  const auto path = scratch.path() / "file";
  write_file_atomically(path, "first");
  write_file_atomically(path, std::string("se\0cond", 7));
  EXPECT_EQ(read_file(path), std::string("se\0cond", 7));
  EXPECT_EQ(names_in(scratch.path()), std::set<std::string>{"file"});
}

TEST(AtomicFile, AppliesTheUmask) {
  const TemporaryFolder scratch;
  const mode_t before = ::umask(027);
  write_file_atomically(scratch.path() / "file", "x");
  ::umask(before);
  struct stat status{};
  ASSERT_EQ(::stat((scratch.path() / "file").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
}

// A limit on the file's size stands in for a full disk: write() fails midway in the same way.
TEST(AtomicFile, AFailedWriteLeavesTheOldFileAndNothingElse) {
  const TemporaryFolder scratch;
  const auto path = scratch.path() / "file";
  write_file_atomically(path, "old");
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{1000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string message;
  try {
    write_file_atomically(path, std::string(5000, 'n'));
  } catch (const Unfinished& error) {
    message = error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(message, testing::HasSubstr(path.string()));
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(names_in(scratch.path()), std::set<std::string>{"file"});
}

TEST(AtomicFile, AMissingFolderIsNamed) {
  const TemporaryFolder scratch;
  EXPECT_THROW(write_file_atomically(scratch.path() / "absent" / "file", "x"), Unfinished);
}

TEST(AtomicFile, ReadRefusesWhatIsAbsentOrTooLarge) {
  const TemporaryFolder scratch;
  EXPECT_THROW(read_file(scratch.path() / "absent"), UserError);
  EXPECT_THROW(read_file(scratch.path()), UserError);
  write_file_atomically(scratch.path() / "file", "12345");
  EXPECT_THROW(read_file(scratch.path() / "file", 4), UserError);
  EXPECT_EQ(read_file(scratch.path() / "file", 5), "12345");
}

}  // namespace
}  // namespace grm
