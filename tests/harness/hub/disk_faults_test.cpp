// Faults of the disk and of other processes: traps among the cache's folders, no room, kills, two at once.
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "harness/error.h"
#include "harness/files/atomic_file.h"
#include "harness/files/hash.h"
#include "tests/harness/hub/fault_case.h"

namespace grm {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

/// A folder outside the cache that must stay as it is: with one file in it.
fs::path outside(HubFixture& f) {
  const fs::path folder = f.scratch.path() / "outside";
  fs::create_directories(folder);
  write_file_atomically(folder / "treasure", "untouched");
  return folder;
}
void expect_untouched(HubFixture& f) {
  const fs::path folder = f.scratch.path() / "outside";
  EXPECT_EQ(read_file(folder / "treasure"), "untouched");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);
}
/// A link at `place` in the cache that leads to the folder outside.
std::function<void(HubFixture&)> link_at(std::function<fs::path(const HubFixture&)> place) {
  return [=](HubFixture& f) {
    const fs::path target = outside(f);
    fs::create_directories(place(f).parent_path());
    fs::create_directory_symlink(target, place(f));
  };
}

std::vector<FaultCase> traps() {
  return {
      {"folder_in_snapshot_is_a_link_out",
       link_at([](const auto& f) { return f.snapshot() / "sub dir"; }),
       {"is a link", "sub dir"},
       expect_untouched},
      {"snapshot_is_a_link_out", link_at([](const auto& f) { return f.snapshot(); }), {"is a link", kCommit}, expect_untouched},
      {"snapshots_is_a_link_out", link_at([](const auto& f) { return f.root() / "snapshots"; }), {"is a link"}, expect_untouched},
      {"blobs_is_a_link_out", link_at([](const auto& f) { return f.root() / "blobs"; }), {"is a link"}, expect_untouched},
      {"refs_is_a_link_out", link_at([](const auto& f) { return f.root() / "refs"; }), {"is a link"}, expect_untouched},
      {"locks_is_a_link_out", link_at([](const auto& f) { return f.cache() / ".locks"; }), {"is a link"}, expect_untouched},
      {"repository_is_a_link_out", link_at([](const auto& f) { return f.root(); }), {"is a link"}, expect_untouched},
      {"blobs_is_a_file",
       [](HubFixture& f) {
         fs::create_directories(f.root());
         write_file_atomically(f.root() / "blobs", "");
       },
       {"is a file"},
       [](HubFixture& f) { fs::remove_all(f.root()); }},
  };
}

class Traps : public testing::TestWithParam<FaultCase> {};
TEST_P(Traps, NothingIsWrittenThroughThem) {
  const FaultCase& fault = GetParam();
  HubFixture fixture;
  fault.arrange(fixture);
  const std::string failure = fixture.failure();
  for (const auto& part : fault.message) EXPECT_THAT(failure, HasSubstr(part));
  fault.then(fixture);
}
INSTANTIATE_TEST_SUITE_P(Links, Traps, testing::ValuesIn(traps()), name_of);

/// What another program, or a kill, may have left: each is mended by the next fetch.
std::vector<FaultCase> leftovers() {
  const auto in_place = [](std::function<void(HubFixture&)> damage) {
    return [=](HubFixture& f) {
      fetch_snapshot(f.ref, f.options);
      damage(f);
    };
  };
  return {
      {"pointer_leads_out",
       in_place([](HubFixture& f) {
         write_file_atomically(outside(f) / "treasure", "untouched");
         fs::remove(f.snapshot() / "config.json");
         fs::create_symlink(f.scratch.path() / "outside" / "treasure", f.snapshot() / "config.json");
       }),
       {},
       expect_untouched},
      {"pointer_leads_nowhere", in_place([](HubFixture& f) { fs::remove(f.blob("config.json")); }), {}},
      {"pointer_to_another_blob",
       in_place([](HubFixture& f) {
         fs::remove(f.snapshot() / "config.json");
         fs::create_symlink("../../blobs/" + f.hash("empty.txt"), f.snapshot() / "config.json");
       }),
       {}},
      {"blob_leads_out",
       in_place([](HubFixture& f) {
         outside(f);
         fs::remove(f.blob("config.json"));
         fs::create_symlink(f.scratch.path() / "outside" / "treasure", f.blob("config.json"));
       }),
       {},
       expect_untouched},
      {"blob_cut_short", in_place([](HubFixture& f) { fs::resize_file(f.blob("model.safetensors"), 1000); }), {}},
      {"blob_changed_without_a_pointer",
       in_place([](HubFixture& f) {
         fs::remove(f.snapshot() / "config.json");
         std::string wrong(read_file(f.blob("config.json")));
         wrong[3] = '!';
         write_file_atomically(f.blob("config.json"), wrong);
       }),
       {}},
      {"ref_with_nonsense", in_place([](HubFixture& f) { write_file_atomically(f.root() / "refs" / "main", "nonsense"); }), {}},
      {"list_with_nonsense",
       in_place([](HubFixture& f) { write_file_atomically(f.root() / "trees" / (kCommit + ".json"), "{"); }),
       {}},
      {"unfinished_of_a_killed_process",
       [](HubFixture& f) {
         fs::create_directories(f.root() / "blobs");
         fs::create_directories(f.snapshot());
         write_file_atomically(f.blob("model.safetensors").string() + ".0badf00d.incomplete",
                               f.file("model.safetensors").content->substr(0, 123'456));
       },
       {},
       [](HubFixture& f) {
         const auto seen = f.storage.seen();
         EXPECT_TRUE(std::any_of(seen.begin(), seen.end(), [](const auto& r) { return r.range == "bytes=123456-"; }));
       }},
      {"unfinished_but_all_there",
       [](HubFixture& f) {
         fs::create_directories(f.root() / "blobs");
         fs::create_directories(f.snapshot());
         write_file_atomically(f.blob("model.safetensors").string() + ".0badf00d.incomplete",
                               *f.file("model.safetensors").content);
       },
       {},
       [](HubFixture& f) { EXPECT_EQ(f.storage.seen().size(), 1U); }},
      {"unfinished_and_empty",
       [](HubFixture& f) {
         fs::create_directories(f.root() / "blobs");
         fs::create_directories(f.snapshot());
         write_file_atomically(f.blob("model.safetensors").string() + ".0badf00d.incomplete", "");
       },
       {}},
      {"unfinished_with_wrong_bytes",
       [](HubFixture& f) {
         fs::create_directories(f.root() / "blobs");
         fs::create_directories(f.snapshot());
         write_file_atomically(f.blob("model.safetensors").string() + ".0badf00d.incomplete", std::string(5000, 'x'));
       },
       {}},
  };
}

class Leftovers : public testing::TestWithParam<FaultCase> {};
TEST_P(Leftovers, AreMended) { expect_right_result_or_clear_error(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Cache, Leftovers, testing::ValuesIn(leftovers()), name_of);

// write() fails midway, as on a full disk.
TEST(FullDisk, MidwayLeavesNothing) {
  HubFixture f;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{100'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string failure = f.failure();
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(failure, HasSubstr("cannot write"));
  EXPECT_THAT(failure, HasSubstr("free some space"));
  EXPECT_THAT(f.faults_of_cache(false), IsEmpty());  // not even an unfinished file, which would keep the disk full
  EXPECT_EQ(f.failure(), "");
  EXPECT_THAT(f.faults_of_cache(false), IsEmpty());
}

/// A file system of its own, of 64 kB; what a real disk says when it is full.
TEST(FullDisk, RealOne) {
  HubFixture f;
  fs::create_directories(f.cache());
  if (::mount("tmpfs", f.cache().c_str(), "tmpfs", 0, "size=128k") != 0) {
    GTEST_SKIP() << "a small file system cannot be mounted here (needs root): " << std::strerror(errno);
  }
  const std::string told_before = f.failure();
  // The space check is passed when others fill the disk meanwhile: the list then claims less than what comes.
  write_file_atomically(f.cache() / "filler", std::string(30'000, 'x'));
  f.options.includes = {"sub dir/deeper/100%.bin"};
  f.storage.set_fault(fault_on([](const SeenRequest& r) { return is_get_of(r, "storage"); },
                               [&](ServedAnswer&) {
                                 std::error_code ignored;
                                 fs::copy_file(f.cache() / "filler", f.cache() / "filler2", ignored);
                               },
                               1));
  const std::string told_midway = f.failure();
  const auto faults = f.faults_of_cache(false);
  ::umount(f.cache().c_str());
  EXPECT_THAT(told_before, HasSubstr("disk full"));
  EXPECT_THAT(told_midway, HasSubstr("No space left on device"));
  EXPECT_THAT(faults, IsEmpty());
}

std::string environment_of(const HubFixture& f) {
  return fmt::format("env HF_ENDPOINT={} HF_HUB_CACHE={} HF_TOKEN={} HF_HUB_OFFLINE=0 ", f.hub.url(), f.cache().string(), kToken);
}

pid_t start_fetch(const HubFixture& f, const std::string& output) {
  const std::string command =
      fmt::format("exec {} {}/tests/harness/fetch_alone fetch org/judge > {} 2>&1", environment_of(f), GRM_BINARY_DIR, output);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  return child;
}

void slow_down(HubFixture& f, std::size_t bytes_per_second) {
  f.storage.set_fault(fault_on([](const SeenRequest& r) { return is_get_of(r, "storage"); },
                               [=](ServedAnswer& a) { a.bytes_per_second = bytes_per_second; }));
}

TEST(Processes, TwoAtOnceDownloadOnce) {
  HubFixture f;
  slow_down(f, 1'000'000);
  const auto output = f.scratch.path() / "outside";
  fs::create_directories(output);
  const pid_t first = start_fetch(f, (output / "1").string());
  const pid_t second = start_fetch(f, (output / "2").string());
  for (const pid_t child : {first, second}) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0) << read_file(output / "1") << read_file(output / "2");
  }
  EXPECT_THAT(f.faults_of_cache(false), IsEmpty());
  std::size_t downloads = 0;
  for (const auto& request : f.storage.seen()) downloads += request.method == "GET" ? 1U : 0U;
  EXPECT_EQ(downloads, 2U);  // two stored contents, each once
}

TEST(Processes, KilledAgainAndAgainThenFinished) {
  HubFixture f;
  slow_down(f, 400'000);
  const auto output = f.scratch.path() / "outside";
  fs::create_directories(output);
  for (const int milliseconds : {30, 150, 80, 260, 200}) {
    const pid_t child = start_fetch(f, (output / "killed").string());
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_THAT(f.faults_of_cache(true), IsEmpty());
  }
  f.storage.set_fault({});
  EXPECT_EQ(f.failure(), "");
  EXPECT_THAT(f.faults_of_cache(false), IsEmpty());
}

TEST(Processes, StoppedInGoodOrder) {
  HubFixture f;
  slow_down(f, 10'000);
  const auto start = std::chrono::steady_clock::now();
  f.options.stop = [=] { return std::chrono::steady_clock::now() - start > std::chrono::milliseconds(200); };
  EXPECT_THAT(f.failure(), HasSubstr("stopped; run the same command again"));
  EXPECT_THAT(f.faults_of_cache(true), IsEmpty());
}

}  // namespace
}  // namespace grm
