#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "harness/ui/program.h"

namespace grm {

/// Facts that other rooms know (libtorch's version and capability), each a name and a value; asked only when the command runs.
using ExtraFacts = std::function<std::vector<std::pair<std::string, std::string>>()>;

/// `grm doctor`: what this machine has, what is missing, what to do.
void add_doctor_command(Program& program, ExtraFacts extra = {});

}  // namespace grm
