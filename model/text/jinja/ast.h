#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/text/jinja/value.h"

namespace grm::jinja {

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

enum class ExprKind {
  kConstant,     // value
  kName,         // name
  kList,         // children
  kTuple,        // children
  kDict,         // children: key, value, key, value…
  kAttribute,    // children[0].name
  kItem,         // children[0][children[1]]
  kSlice,        // children: start, stop, step, each may be null; only inside kItem
  kCall,         // children[0](arguments)
  kFilter,       // children[0] | name(arguments); children[0] is null in filter blocks
  kTest,         // children[0] is name(arguments)
  kNot, kNegate, kPositive,
  kBinary,       // children[0] name children[1]
  kConcat,       // children joined by ~
  kCompare,      // children[0] operators[0] children[1] operators[1] children[2]…
  kAnd, kOr,
  kConditional,  // children[1] if children[0] else children[2], which may be null
};

struct Argument {
  enum class Kind { kPositional, kKeyword, kList, kDict };
  Kind kind = Kind::kPositional;
  std::string name;
  ExprPtr value;
};

struct Expr {
  ExprKind kind;
  int line;
  std::string name;
  Value value;
  std::vector<ExprPtr> children;
  std::vector<std::string> operators;
  std::vector<Argument> arguments;
};

struct Stmt;
using StmtPtr = std::unique_ptr<Stmt>;
using Body = std::vector<StmtPtr>;

enum class StmtKind {
  kData,        // text
  kOutput,      // expr
  kIf,          // branches: condition (null for else) and body
  kFor,         // target, expr, condition, body, otherwise, recursive
  kSet,         // target, expr
  kSetBlock,    // target, expr (a filter or null), body
  kMacro,       // name, parameters, body
  kCallBlock,   // parameters, expr (a call), body
  kFilterBlock, // expr, body
  kWith,        // targets and values in `with`, body
  kGeneration,  // body
  kBreak,
  kContinue,
};

struct Parameter {
  std::string name;
  ExprPtr otherwise;  // null: none
};

struct Stmt {
  StmtKind kind;
  int line;
  std::string text;
  ExprPtr target;
  ExprPtr expr;
  ExprPtr condition;
  bool recursive = false;
  bool uses_varargs = false;  // of macros: whether the body names it
  bool uses_kwargs = false;
  bool uses_caller = false;
  Body body;
  Body otherwise;
  std::vector<std::pair<ExprPtr, Body>> branches;
  std::vector<Parameter> parameters;
  std::vector<std::pair<ExprPtr, ExprPtr>> with;
};

}  // namespace grm::jinja
