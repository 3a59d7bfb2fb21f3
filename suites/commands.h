// The commands of this room, registered by main.cpp.
#pragma once

#include "harness/ui/program.h"

namespace grm {

void add_eval_command(Program& program);
void add_items_command(Program& program);
void add_rescore_command(Program& program);

}  // namespace grm
