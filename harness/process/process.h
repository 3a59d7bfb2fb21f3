// Child processes: started, fed, drained, timed and, where need be, killed with all that they started.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace grm {

struct ProcessOptions {
  std::optional<std::chrono::milliseconds> timeout;  // then the whole process group is killed
  /// Changes to this process's environment; no value removes the name.
  std::map<std::string, std::optional<std::string>> environment;
  std::string input;                        // standard input, then end of file
  std::filesystem::path working_directory;  // empty: this process's
  std::uint64_t max_output_bytes = std::uint64_t{256} << 20;  // of each stream; what exceeds it is read and dropped
  /// Asked about ten times a second; true kills the group (for Ctrl-C, which does not reach another process group).
  std::function<bool()> should_stop;
};

struct ProcessResult {
  int exit_code = 0;  // 128 + signal where a signal ended it, as shells say it
  int signal = 0;     // 0: none
  bool timed_out = false;
  bool stopped = false;  // by should_stop
  std::string output;
  std::string errors;
  bool output_cut = false;  // a stream was longer than max_output_bytes

  bool succeeded() const { return exit_code == 0 && signal == 0 && !timed_out && !stopped; }
};

/// Runs `argv` (argv[0] a path, or a name looked up in PATH; no shell) and returns when it has ended and its outputs are
/// at their end, or one second later where something it left in its group still holds them: that is killed. Any thread
/// may call it; each call has its own io_context. The child dies with the thread that called. It has a process group of
/// its own and inherits no descriptor but the three.
/// Throws UserError when it cannot be started.
ProcessResult run_process(const std::vector<std::string>& argv, const ProcessOptions& options = {});

}  // namespace grm
