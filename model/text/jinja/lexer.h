#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/text/jinja/value.h"

namespace grm::jinja {

enum class TokenKind {
  kData, kVariableBegin, kVariableEnd, kBlockBegin, kBlockEnd, kName, kString, kInteger, kFloat, kOperator, kEnd,
};

struct Token {
  TokenKind kind;
  std::string text;  // data, name, operator, or the string's value
  Value value;       // of numbers
  int line = 1;
};

/// Cuts a template's source as Jinja2 does with trim_blocks and lstrip_blocks on and keep_trailing_newline off.
/// Throws Fault with `line` set to where.
std::vector<Token> lex(std::string_view source, int& line);

}  // namespace grm::jinja
