// The two ways a command ends early. Programmer faults are asserts, not exceptions.
#pragma once

#include <stdexcept>

namespace grm {

/// Wrong usage or input. The message says what, where, the value and the next step. Exit code 2.
struct UserError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The work could not be finished for a reason outside the program (server down, disk full, interrupted). Exit code 3.
struct Unfinished : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace grm
