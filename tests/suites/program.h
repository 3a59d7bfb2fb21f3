// Runs the grm program as a child.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

namespace grm {

struct Ran {
  int exit_code = -1;  ///< 128 + signal where a signal ended it
  std::string out;
  std::string err;
};

/// A running grm with stdout and stderr in files of `folder`.
class GrmProcess {
 public:
  GrmProcess(const std::filesystem::path& folder, const std::vector<std::string>& arguments);
  ~GrmProcess();
  GrmProcess(const GrmProcess&) = delete;
  GrmProcess& operator=(const GrmProcess&) = delete;

  void signal(int number) const;
  /// Has it ended? Keeps what wait() will give.
  bool ended();
  Ran wait();

 private:
  std::filesystem::path folder_;
  pid_t id_ = -1;
  bool ended_ = false;
  int status_ = 0;
};

Ran run_grm(const std::filesystem::path& folder, const std::vector<std::string>& arguments);

}  // namespace grm
