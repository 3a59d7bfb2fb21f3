#pragma once

#include <string_view>

#include "model/text/jinja/ast.h"

namespace grm::jinja {

/// Syntax tree of a template. Throws Fault with `line` set to where.
Body parse(std::string_view source, int& line);

}  // namespace grm::jinja
