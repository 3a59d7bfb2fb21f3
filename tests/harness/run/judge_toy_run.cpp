// A small program for run_folder_test: opens a run folder and appends the records that are missing, as a judge would.
// judge_toy_run FOLDER COUNT [largest file in bytes]. Exit code 0 done, 2 UserError, 3 Unfinished.
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>

#include "harness/error.h"
#include "harness/run/run_folder.h"
#include "tests/harness/run/toy_run.h"

int main(int argc, char** argv) {
  if (argc < 3) return 64;
  if (argc > 3) {
    ::signal(SIGXFSZ, SIG_IGN);  // so that write() fails as on a full disk, after the bytes that still fit
    const rlimit limit{std::strtoull(argv[3], nullptr, 10), std::strtoull(argv[3], nullptr, 10)};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 65;
  }
  try {
    const int count = std::atoi(argv[2]);
    grm::RunFolder run(argv[1], grm::toy_manifest(count));
    grm::judge_toy_run(run, count);
    return 0;
  } catch (const grm::UserError& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  } catch (const grm::Unfinished& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 3;
  }
}
