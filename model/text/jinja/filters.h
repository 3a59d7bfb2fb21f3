#pragma once

#include <string>
#include <unordered_map>

#include "model/text/jinja/interpreter.h"

namespace grm::jinja {

using Filter = Value (*)(Interpreter&, const Value&, const CallArguments&);
const std::unordered_map<std::string, Filter>& text_filters();
const std::unordered_map<std::string, Filter>& list_filters();

}  // namespace grm::jinja
