// Ctrl-C and SIGTERM stop work cleanly; a second Ctrl-C ends at once.
#pragma once

#include <signal.h>

namespace grm {

/// While one lives, the first SIGINT or SIGTERM only sets a flag, and says so on stderr; the next ends the process. A
/// command that asks interrupted() often creates one; one at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  struct sigaction old_int_ {};
  struct sigaction old_term_ {};
};

/// True after the first signal. Any thread may ask.
bool interrupted();

/// Throws Unfinished after the first signal: the same command goes on.
void throw_if_interrupted();

}  // namespace grm
