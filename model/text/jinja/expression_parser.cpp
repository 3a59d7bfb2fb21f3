#include "model/text/jinja/expression_parser.h"

#include <algorithm>
#include <array>
#include <utility>

namespace grm::jinja {

ExpressionParser::Nested::Nested(ExpressionParser& p) : parser(p) {
  if (++parser.depth_ > kMaxDepth) {
    throw Fault("nested deeper than " + std::to_string(kMaxDepth) + " levels");
  }
}
ExpressionParser::Nested::~Nested() { --parser.depth_; }

Token ExpressionParser::next() {
  Token token = peek();
  line_ = token.line;
  at_ = std::min(at_ + 1, tokens_.size() - 1);
  return token;
}

bool ExpressionParser::skip_operator(std::string_view op) { return is_operator(op) && (next(), true); }
bool ExpressionParser::skip_name(std::string_view name) { return is_name(name) && (next(), true); }

void ExpressionParser::expect_operator(std::string_view op) {
  if (!skip_operator(op)) {
    line_ = peek().line;
    throw Fault("expected '" + std::string(op) + "', found '" + peek().text.substr(0, 40) + "'");
  }
}

std::string ExpressionParser::expect_name() {
  if (peek().kind != TokenKind::kName) {
    line_ = peek().line;
    throw Fault("expected a name, found '" + peek().text.substr(0, 40) + "'");
  }
  return next().text;
}

ExprPtr ExpressionParser::make(ExprKind kind, std::string name) const {
  auto node = std::make_unique<Expr>();
  node->kind = kind;
  node->line = peek().line;
  node->name = std::move(name);
  return node;
}

ExprPtr ExpressionParser::binary(std::string op, ExprPtr left, ExprPtr right) const {
  ExprPtr node = make(ExprKind::kBinary, std::move(op));
  node->line = left->line;
  node->children.push_back(std::move(left));
  node->children.push_back(std::move(right));
  return node;
}

ExprPtr ExpressionParser::expression(bool conditional) {
  const Nested nested(*this);
  return conditional ? conditional_expression() : or_expression();
}

ExprPtr ExpressionParser::conditional_expression() {
  ExprPtr value = or_expression();
  for (int links = 0; skip_name("if"); ++links) {
    if (links > kMaxDepth) {
      throw Fault("too many conditions in a row");
    }
    ExprPtr node = make(ExprKind::kConditional);
    node->children.push_back(or_expression());
    node->children.push_back(std::move(value));
    node->children.push_back(skip_name("else") ? expression() : nullptr);
    value = std::move(node);
  }
  return value;
}

ExprPtr ExpressionParser::or_expression() {
  ExprPtr first = and_expression();
  if (!is_name("or")) {
    return first;
  }
  ExprPtr node = make(ExprKind::kOr);
  node->children.push_back(std::move(first));
  while (skip_name("or")) {
    node->children.push_back(and_expression());
  }
  return node;
}

ExprPtr ExpressionParser::and_expression() {
  ExprPtr first = not_expression();
  if (!is_name("and")) {
    return first;
  }
  ExprPtr node = make(ExprKind::kAnd);
  node->children.push_back(std::move(first));
  while (skip_name("and")) {
    node->children.push_back(not_expression());
  }
  return node;
}

ExprPtr ExpressionParser::not_expression() {
  if (!is_name("not")) {
    return comparison();
  }
  const Nested nested(*this);
  next();
  ExprPtr node = make(ExprKind::kNot);
  node->children.push_back(not_expression());
  return node;
}

ExprPtr ExpressionParser::comparison() {
  ExprPtr first = sum();
  ExprPtr node;
  while (true) {
    std::string op;
    for (const char* known : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (op.empty() && skip_operator(known)) {
        op = known;
      }
    }
    if (op.empty() && skip_name("in")) {
      op = "in";
    } else if (op.empty() && is_name("not") && peek(1).kind == TokenKind::kName && peek(1).text == "in") {
      next();
      next();
      op = "not in";
    }
    if (op.empty()) {
      return node ? std::move(node) : std::move(first);
    }
    if (!node) {
      node = make(ExprKind::kCompare);
      node->children.push_back(std::move(first));
    }
    node->operators.push_back(std::move(op));
    node->children.push_back(sum());
  }
}

ExprPtr ExpressionParser::sum() {
  ExprPtr left = concatenation();
  for (int links = 0; is_operator("+") || is_operator("-"); ++links) {
    if (links > kMaxDepth * 4) {
      throw Fault("an expression has too many terms");
    }
    std::string op = next().text;
    left = binary(std::move(op), std::move(left), concatenation());
  }
  return left;
}

ExprPtr ExpressionParser::concatenation() {
  ExprPtr first = product();
  if (!is_operator("~")) {
    return first;
  }
  ExprPtr node = make(ExprKind::kConcat);
  node->children.push_back(std::move(first));
  while (skip_operator("~")) {
    node->children.push_back(product());
  }
  return node;
}

ExprPtr ExpressionParser::product() {
  ExprPtr left = power();
  for (int links = 0; is_operator("*") || is_operator("/") || is_operator("//") || is_operator("%"); ++links) {
    if (links > kMaxDepth * 4) {
      throw Fault("an expression has too many factors");
    }
    std::string op = next().text;
    left = binary(std::move(op), std::move(left), power());
  }
  return left;
}

ExprPtr ExpressionParser::power() {
  ExprPtr left = unary();
  for (int links = 0; skip_operator("**"); ++links) {
    if (links > kMaxDepth) {
      throw Fault("an expression has too many powers");
    }
    left = binary("**", std::move(left), unary());
  }
  return left;
}

ExprPtr ExpressionParser::unary(bool with_filter) {
  ExprPtr node;
  if (is_operator("-") || is_operator("+")) {
    const Nested nested(*this);
    node = make(next().text == "-" ? ExprKind::kNegate : ExprKind::kPositive);
    node->children.push_back(unary(false));
  } else {
    node = postfix(primary());
  }
  return with_filter ? filter_or_test(std::move(node)) : std::move(node);
}

ExprPtr ExpressionParser::primary(bool conditional) {
  const Token& token = peek();
  if (token.kind == TokenKind::kName) {
    ExprPtr node = make(ExprKind::kConstant);
    const std::string name = next().text;
    if (name == "true" || name == "True") {
      node->value = Value(true);
    } else if (name == "false" || name == "False") {
      node->value = Value(false);
    } else if (name == "none" || name == "None") {
      node->value = Value(None{});
    } else {
      node->kind = ExprKind::kName;
      node->name = name;
      special_names_.varargs += name == "varargs";
      special_names_.kwargs += name == "kwargs";
      special_names_.caller += name == "caller";
    }
    return node;
  }
  ExprPtr node = make(ExprKind::kConstant);
  if (token.kind == TokenKind::kString) {
    std::string text;
    while (peek().kind == TokenKind::kString) {
      text += next().text;
    }
    node->value = Value(std::move(text));
    return node;
  }
  if (token.kind == TokenKind::kInteger || token.kind == TokenKind::kFloat) {
    node->value = next().value;
    return node;
  }
  if (skip_operator("(")) {
    const Nested nested(*this);
    ExprPtr inner = tuple(conditional, {}, true);
    expect_operator(")");
    return inner;
  }
  if (is_operator("[")) return list();
  if (is_operator("{")) return dict();
  line_ = token.line;
  throw Fault("unexpected '" + token.text.substr(0, 40) + "'");
}

bool ExpressionParser::at_tuple_end(std::string_view end_name) const {
  const TokenKind kind = peek().kind;
  return kind == TokenKind::kVariableEnd || kind == TokenKind::kBlockEnd || is_operator(")") ||
         (!end_name.empty() && is_name(end_name));
}

ExprPtr ExpressionParser::tuple(bool conditional, std::string_view end_name, bool parentheses, bool simple) {
  ExprPtr node = make(ExprKind::kTuple);
  bool is_tuple = false;
  while (true) {
    if (!node->children.empty() && !is_tuple) {
      break;
    }
    if (at_tuple_end(end_name)) {
      break;
    }
    node->children.push_back(simple ? primary() : expression(conditional));
    if (!is_operator(",")) {
      break;
    }
    next();
    is_tuple = true;
  }
  if (is_tuple || (node->children.empty() && parentheses)) {
    return node;
  }
  if (node->children.empty()) {
    line_ = peek().line;
    throw Fault("expected an expression, found '" + peek().text.substr(0, 40) + "'");
  }
  return std::move(node->children[0]);
}

ExprPtr ExpressionParser::list() {
  const Nested nested(*this);
  ExprPtr node = make(ExprKind::kList);
  expect_operator("[");
  while (!is_operator("]")) {
    if (!node->children.empty()) {
      expect_operator(",");
    }
    if (is_operator("]")) {
      break;
    }
    node->children.push_back(expression());
  }
  expect_operator("]");
  return node;
}

ExprPtr ExpressionParser::dict() {
  const Nested nested(*this);
  ExprPtr node = make(ExprKind::kDict);
  expect_operator("{");
  while (!is_operator("}")) {
    if (!node->children.empty()) {
      expect_operator(",");
    }
    if (is_operator("}")) {
      break;
    }
    node->children.push_back(expression());
    expect_operator(":");
    node->children.push_back(expression());
  }
  expect_operator("}");
  return node;
}

ExprPtr ExpressionParser::postfix(ExprPtr subject) {
  for (int links = 0;; ++links) {
    if (links > kMaxDepth * 2) {
      throw Fault("a chain of attributes and calls is too long");
    }
    if (is_operator(".") || is_operator("[")) {
      subject = subscript(std::move(subject));
    } else if (is_operator("(")) {
      ExprPtr node = make(ExprKind::kCall);
      node->arguments = call_arguments();
      node->children.push_back(std::move(subject));
      subject = std::move(node);
    } else {
      return subject;
    }
  }
}

ExprPtr ExpressionParser::subscript(ExprPtr subject) {
  ExprPtr node = make(ExprKind::kItem);
  if (skip_operator(".")) {
    node->children.push_back(std::move(subject));
    if (peek().kind == TokenKind::kInteger) {
      node->children.push_back(make(ExprKind::kConstant));
      node->children.back()->value = next().value;
    } else {
      node->kind = ExprKind::kAttribute;
      node->name = expect_name();
    }
    return node;
  }
  const Nested nested(*this);
  expect_operator("[");
  node->children.push_back(std::move(subject));
  ExprPtr index = slice();
  if (is_operator(",")) {
    ExprPtr many = make(ExprKind::kTuple);
    many->children.push_back(std::move(index));
    while (skip_operator(",")) {
      many->children.push_back(slice());
    }
    index = std::move(many);
  }
  expect_operator("]");
  node->children.push_back(std::move(index));
  return node;
}

ExprPtr ExpressionParser::slice() {
  std::array<ExprPtr, 3> parts;
  bool is_slice = false;
  std::size_t part = 0;
  if (!is_operator(":")) {
    parts[0] = expression();
  }
  while (part < 2 && skip_operator(":")) {
    is_slice = true;
    ++part;
    if (!is_operator(":") && !is_operator("]") && !is_operator(",")) {
      parts[part] = expression();
    }
  }
  if (!is_slice) {
    return std::move(parts[0]);
  }
  ExprPtr node = make(ExprKind::kSlice);
  for (ExprPtr& bound : parts) {
    node->children.push_back(std::move(bound));
  }
  return node;
}

std::vector<Argument> ExpressionParser::call_arguments() {
  const Nested nested(*this);
  std::vector<Argument> out;
  expect_operator("(");
  bool named = false;
  while (!is_operator(")")) {
    if (!out.empty()) {
      expect_operator(",");
    }
    if (is_operator(")")) {
      break;
    }
    Argument argument;
    if (skip_operator("*")) {
      argument.kind = Argument::Kind::kList;
    } else if (skip_operator("**")) {
      argument.kind = Argument::Kind::kDict;
      named = true;
    } else if (peek().kind == TokenKind::kName && peek(1).kind == TokenKind::kOperator && peek(1).text == "=") {
      argument.kind = Argument::Kind::kKeyword;
      argument.name = next().text;
      next();
      named = true;
    } else if (named) {
      throw Fault("invalid syntax for function call expression: a positional argument behind a named one");
    }
    argument.value = expression();
    out.push_back(std::move(argument));
  }
  expect_operator(")");
  return out;
}

ExprPtr ExpressionParser::filters(ExprPtr subject) {
  ExprPtr node = make(ExprKind::kFilter, expect_name());
  while (skip_operator(".")) {
    node->name += "." + expect_name();
  }
  node->children.push_back(std::move(subject));
  if (is_operator("(")) {
    node->arguments = call_arguments();
  }
  return node;
}

ExprPtr ExpressionParser::filter_or_test(ExprPtr subject) {
  for (int links = 0;; ++links) {
    if (links > kMaxDepth * 2) {
      throw Fault("a chain of filters is too long");
    }
    if (skip_operator("|")) {
      subject = filters(std::move(subject));
    } else if (skip_name("is")) {
      subject = test(std::move(subject));
    } else if (is_operator("(")) {
      ExprPtr node = make(ExprKind::kCall);
      node->arguments = call_arguments();
      node->children.push_back(std::move(subject));
      subject = std::move(node);
    } else {
      return subject;
    }
  }
}

ExprPtr ExpressionParser::test(ExprPtr subject) {
  const bool negated = skip_name("not");
  ExprPtr node = make(ExprKind::kTest, expect_name());
  while (skip_operator(".")) {
    node->name += "." + expect_name();
  }
  node->children.push_back(std::move(subject));
  const TokenKind kind = peek().kind;
  const bool begins_value = kind == TokenKind::kName || kind == TokenKind::kString || kind == TokenKind::kInteger ||
                            kind == TokenKind::kFloat || is_operator("[") || is_operator("{");
  if (is_operator("(")) {
    node->arguments = call_arguments();
  } else if (begins_value && !is_name("else") && !is_name("or") && !is_name("and")) {
    if (is_name("is")) {
      throw Fault("you cannot chain multiple tests with is");
    }
    Argument argument;
    argument.value = postfix(primary());
    node->arguments.push_back(std::move(argument));
  }
  if (!negated) {
    return node;
  }
  ExprPtr inverted = make(ExprKind::kNot);
  inverted->children.push_back(std::move(node));
  return inverted;
}

}  // namespace grm::jinja
