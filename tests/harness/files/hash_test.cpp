#include "harness/files/hash.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "harness/error.h"
#include "harness/files/atomic_file.h"
#include "tests/temporary_folder.h"

namespace grm {

using test::TemporaryFolder;
namespace {

// FIPS 180-4 examples.
TEST(Hash, Sha256OfPublishedExamples) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// `git hash-object` of an empty file and of "hello\n".
TEST(Hash, GitBlobSha1IsGitsNameOfTheContent) {
  EXPECT_EQ(GitBlobSha1(0).finish_hex(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  GitBlobSha1 digest(6);
  digest.update("hel");
  digest.update("lo\n");
  EXPECT_EQ(digest.finish_hex(), "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST(Hash, FilesHashAsTheirBytesDo) {
  const TemporaryFolder scratch;
  const std::string bytes(1'000'003, 'x');
  write_file_atomically(scratch.path() / "file", bytes);
  EXPECT_EQ(sha256_file(scratch.path() / "file"), sha256_hex(bytes));
  write_file_atomically(scratch.path() / "hello", "hello\n");
  EXPECT_EQ(git_blob_sha1_file(scratch.path() / "hello"), "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST(Hash, AMissingFileIsAUserError) {
  const TemporaryFolder scratch;
  EXPECT_THROW(sha256_file(scratch.path() / "absent"), UserError);
  EXPECT_THROW(git_blob_sha1_file(scratch.path() / "absent"), UserError);
}

}  // namespace
}  // namespace grm
