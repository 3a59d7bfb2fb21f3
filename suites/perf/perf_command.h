#pragma once

#include "harness/ui/program.h"

namespace grm {

/// `grm perf`: how fast the hot paths are on this machine.
void add_perf_command(Program& program);

}  // namespace grm
