#include "harness/ui/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <cassert>
#include <cerrno>
#include <string_view>

#include "harness/error.h"

namespace grm {
namespace {

std::atomic<bool> was_interrupted{false};
std::atomic<int> guards{0};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void on_signal(int signal_number) {
  if (was_interrupted.exchange(true)) ::_exit(128 + signal_number);
  const int error = errno;
  constexpr std::string_view kText = "\ngrm: stopping after what is under way; once more to end at once\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kText.data(), kText.size());
  errno = error;
}

}  // namespace

InterruptGuard::InterruptGuard() {
  [[maybe_unused]] const int others = guards++;
  assert(others == 0);
  was_interrupted = false;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &old_int_);
  ::sigaction(SIGTERM, &action, &old_term_);
}

InterruptGuard::~InterruptGuard() {
  ::sigaction(SIGINT, &old_int_, nullptr);
  ::sigaction(SIGTERM, &old_term_, nullptr);
  --guards;
}

bool interrupted() { return was_interrupted.load(std::memory_order_relaxed); }

void throw_if_interrupted() {
  if (interrupted()) throw Unfinished("interrupted; run the same command again to go on");
}

}  // namespace grm
