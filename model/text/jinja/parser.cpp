#include "model/text/jinja/parser.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "model/text/jinja/expression_parser.h"

namespace grm::jinja {
namespace {

using Names = std::initializer_list<std::string_view>;

class Parser : public ExpressionParser {
 public:
  using ExpressionParser::ExpressionParser;

  Body run() {
    Body body = statements({});
    if (peek().kind != TokenKind::kEnd) {
      fail_at("unexpected '" + peek().text + "'");
    }
    return body;
  }

 private:
  [[noreturn]] void fail_at(const std::string& what) {
    line_ = peek().line;
    throw Fault(what);
  }

  StmtPtr make_stmt(StmtKind kind) const {
    auto node = std::make_unique<Stmt>();
    node->kind = kind;
    node->line = peek().line;
    return node;
  }

  void end_block() {
    if (peek().kind != TokenKind::kBlockEnd) {
      fail_at("expected '%}', found '" + peek().text.substr(0, 40) + "'");
    }
    next();
  }

  /// Statements up to a tag named in `ends`; stands behind that tag's `{%` then, on its name.
  Body statements(Names ends) {
    const Nested nested(*this);
    Body body;
    while (peek().kind != TokenKind::kEnd) {
      if (peek().kind == TokenKind::kData) {
        StmtPtr node = make_stmt(StmtKind::kData);
        node->text = next().text;
        body.push_back(std::move(node));
      } else if (peek().kind == TokenKind::kVariableBegin) {
        next();
        StmtPtr node = make_stmt(StmtKind::kOutput);
        node->expr = tuple();
        if (peek().kind != TokenKind::kVariableEnd) {
          fail_at("expected '}}', found '" + peek().text.substr(0, 40) + "'");
        }
        next();
        body.push_back(std::move(node));
      } else {
        next();  // {%
        if (peek().kind != TokenKind::kName) {
          fail_at("tag name expected");
        }
        if (std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return is_name(end); })) {
          return body;
        }
        if (StmtPtr node = statement()) {
          body.push_back(std::move(node));
        }
        end_block();
      }
    }
    if (ends.size() > 0) {
      fail_at("unexpected end of template; looking for '" + std::string(*ends.begin()) + "'");
    }
    return body;
  }

  /// A body that begins behind the present tag's end and goes to `end`, whose name is consumed.
  Body block(std::string_view end) {
    end_block();
    Body body = statements({end});
    next();
    return body;
  }

  StmtPtr statement() {
    const std::string tag = peek().text;
    if (tag == "if") return if_statement();
    if (tag == "for") return for_statement();
    if (tag == "set") return set_statement();
    if (tag == "macro") return macro_statement();
    if (tag == "call") return call_statement();
    if (tag == "filter") return filter_statement();
    if (tag == "with") return with_statement();
    if (tag == "generation") {
      StmtPtr node = make_stmt(StmtKind::kGeneration);
      next();
      node->body = block("endgeneration");
      return node;
    }
    if (tag == "break" || tag == "continue") {
      if (loops_ == 0) {
        fail_at("'" + tag + "' outside a loop");
      }
      StmtPtr node = make_stmt(tag == "break" ? StmtKind::kBreak : StmtKind::kContinue);
      next();
      return node;
    }
    fail_at("unknown or unsupported tag '" + tag.substr(0, 40) + "'");
  }

  StmtPtr if_statement() {
    StmtPtr node = make_stmt(StmtKind::kIf);
    next();
    while (true) {
      ExprPtr condition = tuple(false);
      end_block();
      Body body = statements({"elif", "else", "endif"});
      node->branches.emplace_back(std::move(condition), std::move(body));
      if (skip_name("elif")) {
        continue;
      }
      if (skip_name("else")) {
        Body otherwise = block("endif");
        node->branches.emplace_back(nullptr, std::move(otherwise));
      } else {
        next();
      }
      return node;
    }
  }

  ExprPtr name_target() {
    ExprPtr node = make(ExprKind::kName);
    node->name = expect_name();
    for (const char* reserved : {"true", "false", "none", "True", "False", "None"}) {
      if (node->name == reserved) {
        throw Fault("can't assign to '" + node->name + "'");
      }
    }
    return node;
  }

  ExprPtr one_target() {
    if (skip_operator("(")) {
      const Nested nested(*this);
      ExprPtr inner = target(false);
      expect_operator(")");
      return inner;
    }
    return name_target();
  }

  /// What is assigned to: a name, names with commas, or, where allowed, an attribute of a namespace.
  ExprPtr target(bool with_namespace) {
    if (with_namespace && peek().kind == TokenKind::kName && peek(1).kind == TokenKind::kOperator && peek(1).text == ".") {
      ExprPtr node = make(ExprKind::kAttribute);
      node->children.push_back(name_target());
      next();
      node->name = expect_name();
      return node;
    }
    ExprPtr first = one_target();
    if (!is_operator(",")) {
      return first;
    }
    ExprPtr node = make(ExprKind::kTuple);
    node->children.push_back(std::move(first));
    while (skip_operator(",")) {
      if (peek().kind != TokenKind::kName && !is_operator("(")) {
        break;
      }
      if (is_name("in")) {
        break;
      }
      node->children.push_back(one_target());
    }
    return node;
  }

  StmtPtr for_statement() {
    StmtPtr node = make_stmt(StmtKind::kFor);
    next();
    node->target = target(false);
    if (!skip_name("in")) {
      fail_at("expected 'in', found '" + peek().text.substr(0, 40) + "'");
    }
    node->expr = tuple(false, "recursive");
    if (skip_name("if")) {
      node->condition = expression();
    }
    node->recursive = skip_name("recursive");
    end_block();
    ++loops_;
    node->body = statements({"endfor", "else"});
    --loops_;
    if (next().text == "else") {
      node->otherwise = block("endfor");
    }
    return node;
  }

  StmtPtr set_statement() {
    StmtPtr node = make_stmt(StmtKind::kSet);
    next();
    node->target = target(true);
    if (skip_operator("=")) {
      node->expr = tuple();
      return node;
    }
    node->kind = StmtKind::kSetBlock;
    node->expr = filter_chain();
    node->body = block("endset");
    return node;
  }

  /// `| a | b(…)` behind a block's head; null when there is none.
  ExprPtr filter_chain() {
    ExprPtr chain;
    while (skip_operator("|")) {
      chain = filters(std::move(chain));
    }
    return chain;
  }

  void parameters(Stmt& node) {
    expect_operator("(");
    while (!is_operator(")")) {
      if (!node.parameters.empty()) {
        expect_operator(",");
      }
      Parameter parameter{name_target()->name, nullptr};
      if (skip_operator("=")) {
        parameter.otherwise = expression();
      } else if (!node.parameters.empty() && node.parameters.back().otherwise) {
        throw Fault("non-default argument follows default argument");
      }
      node.parameters.push_back(std::move(parameter));
    }
    expect_operator(")");
  }

  StmtPtr macro_statement() {
    StmtPtr node = make_stmt(StmtKind::kMacro);
    next();
    node->text = name_target()->name;
    parameters(*node);
    macro_body(*node, "endmacro");
    return node;
  }

  StmtPtr call_statement() {
    StmtPtr node = make_stmt(StmtKind::kCallBlock);
    next();
    if (is_operator("(")) {
      parameters(*node);
    }
    node->expr = expression();
    if (node->expr->kind != ExprKind::kCall) {
      throw Fault("expected call");
    }
    macro_body(*node, "endcall");
    return node;
  }

  void macro_body(Stmt& node, std::string_view end) {
    const int outer = std::exchange(loops_, 0);
    const SpecialNames before = special_names_;
    node.body = block(end);
    node.uses_varargs = special_names_.varargs > before.varargs;
    node.uses_kwargs = special_names_.kwargs > before.kwargs;
    node.uses_caller = special_names_.caller > before.caller;
    loops_ = outer;
  }

  StmtPtr filter_statement() {
    StmtPtr node = make_stmt(StmtKind::kFilterBlock);
    next();
    node->expr = filters(nullptr);
    while (skip_operator("|")) {
      node->expr = filters(std::move(node->expr));
    }
    node->body = block("endfilter");
    return node;
  }

  StmtPtr with_statement() {
    StmtPtr node = make_stmt(StmtKind::kWith);
    next();
    while (peek().kind != TokenKind::kBlockEnd) {
      if (!node->with.empty()) {
        expect_operator(",");
      }
      ExprPtr name = target(false);
      expect_operator("=");
      node->with.emplace_back(std::move(name), expression());
    }
    node->body = block("endwith");
    return node;
  }

  int loops_ = 0;
};

}  // namespace

Body parse(std::string_view source, int& line) { return Parser(lex(source, line), line).run(); }

}  // namespace grm::jinja
