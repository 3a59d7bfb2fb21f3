#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "model/text/jinja/ast.h"
#include "model/text/jinja/lexer.h"

namespace grm::jinja {

/// Reads tokens and builds expressions by Jinja2's grammar.
class ExpressionParser {
 public:
  ExpressionParser(std::vector<Token> tokens, int& line) : tokens_(std::move(tokens)), line_(line) {}

 protected:
  static constexpr int kMaxDepth = 100;  // of brackets, operators and blocks within each other

  struct Nested {
    explicit Nested(ExpressionParser& parser);
    ~Nested();
    ExpressionParser& parser;
  };

  const Token& peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  Token next();
  bool is_operator(std::string_view op) const { return peek().kind == TokenKind::kOperator && peek().text == op; }
  bool is_name(std::string_view name) const { return peek().kind == TokenKind::kName && peek().text == name; }
  bool skip_operator(std::string_view op);
  bool skip_name(std::string_view name);
  void expect_operator(std::string_view op);
  std::string expect_name();
  ExprPtr make(ExprKind kind, std::string name = {}) const;

  ExprPtr expression(bool conditional = true);
  /// One expression, or several with commas between them as a tuple. `end_name` also ends it.
  ExprPtr tuple(bool conditional = true, std::string_view end_name = {}, bool parentheses = false, bool simple = false);
  ExprPtr filters(ExprPtr subject);
  std::vector<Argument> call_arguments();
  ExprPtr postfix(ExprPtr subject);
  ExprPtr primary(bool conditional = true);

 private:
  ExprPtr conditional_expression();
  ExprPtr or_expression();
  ExprPtr and_expression();
  ExprPtr not_expression();
  ExprPtr comparison();
  ExprPtr sum();
  ExprPtr concatenation();
  ExprPtr product();
  ExprPtr power();
  ExprPtr unary(bool with_filter = true);
  ExprPtr filter_or_test(ExprPtr subject);
  ExprPtr test(ExprPtr subject);
  ExprPtr subscript(ExprPtr subject);
  ExprPtr slice();
  ExprPtr list();
  ExprPtr dict();
  ExprPtr binary(std::string op, ExprPtr left, ExprPtr right) const;
  bool at_tuple_end(std::string_view end_name) const;

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;

 protected:
  /// How often the names that a macro's body may use without declaring them have been met.
  struct SpecialNames {
    int varargs = 0;
    int kwargs = 0;
    int caller = 0;
  };
  SpecialNames special_names_;
  int& line_;
};

}  // namespace grm::jinja
