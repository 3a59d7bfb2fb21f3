// The commands of this room, registered by main.cpp.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/ui/program.h"

namespace grm {

void add_eval_command(Program& program);
void add_items_command(Program& program);
void add_rescore_command(Program& program);

/// What `grm doctor` tells of libtorch and the kernels.
std::vector<std::pair<std::string, std::string>> compute_findings();

}  // namespace grm
