#include "harness/process/process.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/writable_pipe.hpp>
#include <boost/asio/write.hpp>
#include <boost/process/v2.hpp>
#include <climits>
#include <utility>

#include "harness/error.h"

namespace grm {
namespace {

namespace asio = boost::asio;
namespace v2 = boost::process::v2;
using boost::system::error_code;

/// Writing to a child that has closed its input must be an error, not a signal that ends this program.
class BlockedSigpipe {
 public:
  BlockedSigpipe() {
    sigset_t pipe_only;
    ::sigemptyset(&pipe_only);
    ::sigaddset(&pipe_only, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_only, &before_);
  }
  ~BlockedSigpipe() {
    sigset_t pipe_only;
    ::sigemptyset(&pipe_only);
    ::sigaddset(&pipe_only, SIGPIPE);
    const timespec at_once{0, 0};
    while (::sigtimedwait(&pipe_only, nullptr, &at_once) == SIGPIPE) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  BlockedSigpipe(const BlockedSigpipe&) = delete;
  BlockedSigpipe& operator=(const BlockedSigpipe&) = delete;
  const sigset_t& before() const { return before_; }

 private:
  sigset_t before_{};
};

/// What the child does between fork and exec. Must come last: it runs after the standard streams are in place.
struct ChildSetup {
  sigset_t mask;
  pid_t parent;
  std::vector<const char*> environment;  // ends with a null pointer

  /// In the parent. (process_environment of Boost 1.81 is declared and not defined when header-only.)
  error_code on_setup(v2::posix::default_launcher& launcher, const v2::filesystem::path&, const char* const*) const {
    launcher.env = environment.data();
    return {};
  }

  error_code on_exec_setup(v2::posix::default_launcher& launcher, const v2::filesystem::path&, const char* const*) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::signal(SIGPIPE, SIG_DFL);
    ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    // The launcher of Boost 1.81 leaves gaps open; the last of its list is its own pipe for errors.
    const auto keep = static_cast<unsigned>(launcher.fd_whitelist.back());
    if (keep > 3) ::syscall(SYS_close_range, 3u, keep - 1, 0u);
    ::syscall(SYS_close_range, keep + 1, UINT_MAX, 0u);
    return {};
  }

  /// The launcher would call exit(), which flushes this program's buffers a second time.
  template <class... Any>
  void on_exec_error(Any&&...) {
    ::_exit(127);
  }
};

/// One child in progress; every handler runs in the thread that called run_process.
class Run {
 public:
  Run(const std::vector<std::string>& argv, const ProcessOptions& options) : options_(options) { start(argv); }

  ProcessResult finish() {
    read(output_, output_buffer_, result_.output);
    read(errors_, errors_buffer_, result_.errors);
    write_input();
    watch_timeout();
    watch_stop();
    process_->async_wait([this](error_code, int) { on_exit(); });
    context_.run();
    set_status(process_->native_exit_code());
    return std::move(result_);
  }

 private:
  void start(const std::vector<std::string>& argv) {
    const std::vector<std::string> environment = environment_lines();
    std::vector<const char*> pointers;
    for (const std::string& line : environment) pointers.push_back(line.c_str());
    pointers.push_back(nullptr);
    const v2::filesystem::path program =
        argv[0].find('/') == std::string::npos ? v2::environment::find_executable(argv[0]) : v2::filesystem::path(argv[0]);
    if (program.empty()) throw UserError(fmt::format("cannot start {}: no such program in PATH", argv[0]));
    const std::vector<std::string> arguments(argv.begin() + 1, argv.end());
    const std::string folder = options_.working_directory.empty() ? "." : options_.working_directory.string();
    try {
      process_.emplace(context_, program, arguments, v2::process_stdio{input_, output_, errors_}, v2::process_start_dir(folder),
                       ChildSetup{sigpipe_.before(), ::getpid(), std::move(pointers)});
    } catch (const boost::system::system_error& error) {
      throw UserError(fmt::format("cannot start {}{}: {}", argv[0], folder == "." ? "" : " in " + folder, error.code().message()));
    }
    group_ = process_->id();
  }

  std::vector<std::string> environment_lines() const {
    std::vector<std::string> lines;
    for (char** line = environ; *line != nullptr; ++line) {
      const std::string text = *line;
      if (!options_.environment.contains(text.substr(0, text.find('=')))) lines.push_back(text);
    }
    for (const auto& [name, value] : options_.environment) {
      if (value) lines.push_back(fmt::format("{}={}", name, *value));
    }
    return lines;
  }

  using Buffer = std::array<char, 65536>;

  void read(asio::readable_pipe& pipe, Buffer& buffer, std::string& text) {
    pipe.async_read_some(asio::buffer(buffer), [this, &pipe, &buffer, &text](error_code error, std::size_t count) {
      const std::size_t room = static_cast<std::size_t>(options_.max_output_bytes) - text.size();
      text.append(buffer.data(), std::min(count, room));
      result_.output_cut = result_.output_cut || count > room;
      if (!error) return read(pipe, buffer, text);
      if (++ended_streams_ == 2) stop_timers_if_done();
    });
  }

  void write_input() {
    asio::async_write(input_, asio::buffer(options_.input), [this](error_code, std::size_t) {
      error_code ignored;  // a child need not read its input
      input_.close(ignored);
    });
  }

  void watch_timeout() {
    if (!options_.timeout) return;
    timeout_.expires_after(*options_.timeout);
    timeout_.async_wait([this](error_code error) {
      if (error || exited_) return;
      result_.timed_out = true;
      kill_group();
    });
  }

  void watch_stop() {
    if (!options_.should_stop) return;
    stop_.expires_after(std::chrono::milliseconds(100));
    stop_.async_wait([this](error_code error) {
      if (error || exited_) return;
      if (!options_.should_stop()) return watch_stop();
      result_.stopped = true;
      kill_group();
    });
  }

  void on_exit() {
    exited_ = true;
    timeout_.cancel();
    stop_.cancel();
    error_code ignored;
    input_.close(ignored);
    if (ended_streams_ == 2) return;
    grace_.expires_after(std::chrono::seconds(1));
    grace_.async_wait([this](error_code error) {
      if (error) return;
      kill_group();
      // What left the group cannot be reached; its output is not waited for.
      error_code closing;
      output_.close(closing);
      errors_.close(closing);
    });
  }

  void stop_timers_if_done() {
    if (exited_) grace_.cancel();
  }

  void kill_group() const { ::kill(-group_, SIGKILL); }

  void set_status(int status) {
    if (WIFSIGNALED(status)) {
      result_.signal = WTERMSIG(status);
      result_.exit_code = 128 + result_.signal;
    } else {
      result_.exit_code = WEXITSTATUS(status);
    }
  }

  const ProcessOptions& options_;
  BlockedSigpipe sigpipe_;
  asio::io_context context_{1};
  asio::writable_pipe input_{context_};
  asio::readable_pipe output_{context_};
  asio::readable_pipe errors_{context_};
  asio::steady_timer timeout_{context_};
  asio::steady_timer stop_{context_};
  asio::steady_timer grace_{context_};
  Buffer output_buffer_{};
  Buffer errors_buffer_{};
  std::optional<v2::process> process_;
  pid_t group_ = -1;
  bool exited_ = false;
  int ended_streams_ = 0;
  ProcessResult result_;
};

}  // namespace

ProcessResult run_process(const std::vector<std::string>& argv, const ProcessOptions& options) {
  if (argv.empty() || argv[0].empty()) throw UserError("cannot start a process without a name");
  return Run(argv, options).finish();
}

}  // namespace grm
