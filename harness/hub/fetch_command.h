#pragma once

#include "harness/ui/program.h"

namespace grm {

/// `grm fetch`: repositories from the Hub into the cache, their folders to stdout.
void add_fetch_command(Program& program);

}  // namespace grm
