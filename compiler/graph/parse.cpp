// Parsing of graphs and of single expressions: recursive descent over the lexer's tokens. Grammar: docs/graph.md.
#include <limits>
#include <map>

#include "compiler/graph/attributes.h"
#include "compiler/graph/elementwise.h"
#include "compiler/graph/functions.h"
#include "compiler/graph/scope.h"
#include "compiler/graph/text.h"
#include "compiler/support/error.h"
#include "compiler/support/lexer.h"
#include "compiler/support/text.h"

namespace shoal {
namespace {

constexpr int max_depth = 64;

// A parsed operand: a node, or a number whose type its neighbours decide.
struct Term {
  NodeId id = no_node;
  double number = 0;
  bool is_number() const { return id == no_node; }
};

class Parser {
 public:
  Parser(Graph& graph, std::string_view text, std::string_view place, bool one_line)
      : graph_(graph), place_(place), one_line_(one_line), tokens_(lex(text, place, one_line)) {}

  std::map<std::string, NodeId> names;  // what a name stands for; locals under "%3"

  NodeId whole_expression() {
    nesting_ = 1;  // line ends mean nothing in a single expression
    const NodeId id = node_of(expression(), DType::f32);
    if (token().kind != Token::Kind::end) fail("expected the end of the expression");
    return id;
  }

  void whole_graph() {
    skip_newlines();
    if (is_keyword("graph")) header();
    while (token().kind != Token::Kind::end) {
      statement();
      if (token().kind != Token::Kind::newline && token().kind != Token::Kind::end)
        fail("expected the end of the line");
      skip_newlines();
    }
  }

 private:
  Graph& graph_;
  const std::string place_;
  const bool one_line_;
  const std::vector<Token> tokens_;
  size_t at_ = 0;
  int nesting_ = 0, depth_ = 0;

  const Token& token() {
    while (nesting_ > 0 && tokens_[at_].kind == Token::Kind::newline) ++at_;
    return tokens_[at_];
  }
  Token take() {
    Token taken = token();
    if (taken.kind != Token::Kind::end) ++at_;
    return taken;
  }
  bool take_if(std::string_view symbol) {
    if (!token().is(symbol)) return false;
    ++at_;
    return true;
  }
  void expect(std::string_view symbol) {
    if (!take_if(symbol)) fail(fmt::format("expected '{}'", symbol));
  }
  void skip_newlines() {
    while (tokens_[at_].kind == Token::Kind::newline) ++at_;
  }
  bool is_word(std::string_view word) { return token().kind == Token::Kind::name && token().text == word; }
  // Keywords are names as well, so that `out = tanh(x)` defines a value called out.
  bool is_keyword(std::string_view word) { return is_word(word) && !tokens_[at_ + 1].is("="); }

  [[noreturn]] void fail_at(const Token& where, const std::string& problem) const {
    throw SpecError(token_place(place_, where, one_line_), problem);
  }
  [[noreturn]] void fail(const std::string& problem) { fail_at(token(), problem); }

  // Runs f; a SpecError of the graph gets the place of `where`.
  template <typename F>
  auto at(const Token& where, F f) {
    try {
      return f();
    } catch (const SpecError& error) {
      std::string problem = error.what();
      problem.erase(0, error.place.size() + 2);
      fail_at(where, problem);
    }
  }

  std::string take_name(std::string_view what) {
    if (token().kind != Token::Kind::name && token().kind != Token::Kind::string)
      fail(fmt::format("expected {}", what));
    return take().text;
  }

  void header() {
    take();
    graph_.name = take_name("the graph's name");
    if (!is_word("batch")) fail("expected batch=");
    take();
    expect("=");
    const Token batch = take();
    if (batch.kind != Token::Kind::number || batch.value < 1 || batch.value > 2147483647 ||
        batch.value != static_cast<double>(static_cast<int64_t>(batch.value)))
      fail_at(batch, "expected a positive whole number");
    graph_.batch = static_cast<int64_t>(batch.value);
    if (is_word("precision")) precision();
    if (is_word("fast_math")) {
      take();
      graph_.permits.fast_math = true;
    }
    if (token().kind != Token::Kind::end && token().kind != Token::Kind::newline) fail("expected the end of the line");
    skip_newlines();
  }

  void precision() {
    take();
    expect("=");
    const Token name = take();
    const std::optional<Precision> found = find_precision(name.text);
    if (!found) fail_at(name, "expected f32, f32x3, tf32 or bf16");
    graph_.permits.precision = *found;
  }

  // loop 0 extent=16 reversed
  void loop(const Token& start) {
    if (take_integer("the loop's number") != std::ssize(graph_.loops))
      fail_at(start, fmt::format("expected loop {}", graph_.loops.size()));
    if (!is_word("extent")) fail("expected extent=");
    take();
    expect("=");
    const Token& where = token();
    const int64_t extent = take_integer("a positive whole number");
    const bool reversed = is_word("reversed");
    if (reversed) take();
    at(where, [&] { Scope(graph_).loop(extent, reversed); });
  }

  int64_t take_integer(std::string_view what) {
    const Token number = take();
    if (number.kind != Token::Kind::number || !(number.value >= 0 && number.value <= 2147483647) ||
        number.value != static_cast<double>(static_cast<int64_t>(number.value)))
      fail_at(number, fmt::format("expected {}", what));
    return static_cast<int64_t>(number.value);
  }

  void statement() {
    Scope scope(graph_);
    const Token start = token();
    if (is_keyword("out")) {
      take();
      std::string name = take_name("the output's name");
      expect("=");
      const NodeId value = node_of(expression(), DType::f32);
      at(start, [&] { scope.output(std::move(name), {&scope, value}); });
    } else if (is_keyword("next")) {
      take();
      const NodeId state = reference(take());
      if (graph_[state].prim != Prim::input) fail_at(start, "only an input can have a next value");
      expect("=");
      const NodeId value = node_of(expression(), DType::f32);
      at(start, [&] { scope.next({&scope, state}, {&scope, value}); });
      if (!is_word("as")) return;
      take();
      graph_.outputs.back().name = take_name("the output's name");
    } else if (is_keyword("loop")) {
      take();
      loop(start);
    } else if (is_keyword("advance")) {
      take();
      const NodeId carry = reference(take());
      if (graph_[carry].prim != Prim::carry) fail_at(start, "only a carry advances");
      expect("=");
      const NodeId next = node_of(expression(), DType::f32);
      at(start, [&] { scope.advance({&scope, carry}, {&scope, next}); });
    } else {
      definition(take());
    }
  }

  void definition(const Token& target) {
    const bool local = target.kind == Token::Kind::local;
    if (!local && target.kind != Token::Kind::name) fail_at(target, "expected a definition such as y = tanh(x)");
    expect("=");
    const size_t before = graph_.nodes.size();
    const NodeId id = node_of(expression(), DType::f32);
    if (!names.emplace(local ? "%" + target.text : target.text, id).second)
      fail_at(target, fmt::format("{} is defined twice", target.text));
    if (!local && id >= before) graph_.nodes[id].name = target.text;
  }

  NodeId reference(const Token& name) {
    const bool local = name.kind == Token::Kind::local;
    if (!local && name.kind != Token::Kind::name) fail_at(name, "expected a value");
    const auto found = names.find(local ? "%" + name.text : name.text);
    if (found != names.end()) return found->second;
    std::vector<std::string> known;
    for (const auto& [each, id] : names) known.push_back(each);
    fail_at(name, fmt::format("unknown value {}{}{}", local ? "%" : "", name.text, did_you_mean(name.text, known)));
  }

  NodeId node_of(const Term& term, DType dtype) {
    if (!term.is_number()) return term.id;
    return graph_.add({.prim = Prim::constant, .attrs = {.value = term.number, .dtype = dtype}});
  }

  // The type that a number among the operands of `prim` takes.
  DType number_type(Prim prim, const std::vector<Term>& terms) const {
    if (prim == Prim::shuffle || prim == Prim::gather || prim == Prim::rem) return DType::i32;
    if (prim == Prim::logical_and || prim == Prim::logical_or || prim == Prim::logical_not) return DType::boolean;
    for (const Term& term : terms)
      if (!term.is_number() && graph_[term.id].dtype != DType::boolean) return graph_[term.id].dtype;
    return DType::f32;
  }

  Term apply(const Token& where, Prim prim, const std::vector<Term>& terms, Attrs attrs = {}) {
    return at(where, [&] {
      const DType dtype = number_type(prim, terms);
      Node node{.prim = prim, .attrs = std::move(attrs)};
      for (const Term& term : terms) node.inputs.push_back(node_of(term, dtype));
      const bool scalar = prim_kind(prim) == PrimKind::scalar;
      return Term{scalar ? add_elementwise(graph_, std::move(node)) : graph_.add(std::move(node))};
    });
  }

  Term arithmetic(const Token& where, Prim prim, Term a, Term b) {
    if (!a.is_number() || !b.is_number()) return apply(where, prim, {a, b});
    if (prim == Prim::add) return {no_node, a.number + b.number};
    if (prim == Prim::sub) return {no_node, a.number - b.number};
    return {no_node, prim == Prim::mul ? a.number * b.number : a.number / b.number};
  }

  Term expression() {
    if (++depth_ > max_depth) fail(fmt::format("expressions may nest {} deep", max_depth));
    Term left = sum();
    for (;;) {
      const Token op = token();
      if (take_if("<")) {
        left = apply(op, Prim::lt, {left, sum()});
      } else if (take_if("<=")) {
        left = apply(op, Prim::le, {left, sum()});
      } else if (take_if(">")) {
        left = apply(op, Prim::lt, {sum(), left});
      } else if (take_if(">=")) {
        left = apply(op, Prim::le, {sum(), left});
      } else if (take_if("==")) {
        left = apply(op, Prim::eq, {left, sum()});
      } else if (take_if("!=")) {
        left = apply(op, Prim::logical_not, {apply(op, Prim::eq, {left, sum()})});
      } else {
        break;
      }
    }
    --depth_;
    return left;
  }

  Term sum() {
    Term left = product();
    for (;;) {
      const Token op = token();
      if (take_if("+")) {
        left = arithmetic(op, Prim::add, left, product());
      } else if (take_if("-")) {
        left = arithmetic(op, Prim::sub, left, product());
      } else {
        return left;
      }
    }
  }

  Term product() {
    Term left = factor();
    for (;;) {
      const Token op = token();
      if (take_if("*")) {
        left = arithmetic(op, Prim::mul, left, factor());
      } else if (take_if("/")) {
        left = arithmetic(op, Prim::div, left, factor());
      } else {
        return left;
      }
    }
  }

  Term factor() {
    const Token first = take();
    if (first.is("-")) {
      if (++depth_ > max_depth) fail(fmt::format("expressions may nest {} deep", max_depth));
      const Term operand = factor();
      --depth_;
      if (operand.is_number()) return {no_node, -operand.number};
      if (graph_[operand.id].dtype == DType::i32) return apply(first, Prim::sub, {{no_node, 0}, operand});
      return apply(first, Prim::neg, {operand});
    }
    if (first.is("(")) {
      ++nesting_;
      const Term inner = expression();
      expect(")");
      --nesting_;
      return inner;
    }
    if (first.kind == Token::Kind::number) return {no_node, first.value};
    if (first.kind == Token::Kind::name && token().is("(")) return call(first);
    return {reference(first)};
  }

  Term call(const Token& name) {
    Prim prim = Prim::constant;
    const bool is_prim = find_prim(name.text, &prim);
    if (!is_prim && !is_function(name.text)) {
      std::vector<std::string> known = function_names();
      for (int i = 0; i <= static_cast<int>(Prim::collect); ++i) known.emplace_back(prim_name(static_cast<Prim>(i)));
      fail_at(name, fmt::format("unknown function {}{}", name.text, did_you_mean(name.text, known)));
    }
    expect("(");
    ++nesting_;
    std::vector<Term> terms;
    Attrs attrs;
    while (!token().is(")")) {
      if (token().kind == Token::Kind::name && tokens_[at_ + 1].is("=")) {
        const Token key = take();
        take();
        if (!is_prim) fail_at(key, fmt::format("{} has no attributes", name.text));
        const AttributeValue value = attribute_value();
        at(key, [&] { set_attribute(prim, attrs, key.text, value); });
      } else {
        terms.push_back(expression());
      }
      if (!token().is(")")) expect(",");
    }
    expect(")");
    --nesting_;
    if (is_prim) return apply(name, prim, terms, std::move(attrs));
    return at(name, [&] {
      std::vector<NodeId> ids;
      for (const Term& term : terms) ids.push_back(node_of(term, number_type(Prim::select, terms)));
      return Term{add_function(graph_, name.text, ids)};
    });
  }

  AttributeValue attribute_value() {
    AttributeValue value;
    if (take_if("[")) {
      value.is_list = true;
      while (!token().is("]")) {
        value.numbers.push_back(signed_number());
        if (!token().is("]")) expect(",");
      }
      expect("]");
    } else if (token().is("-") || token().kind == Token::Kind::number || is_word("inf") || is_word("nan")) {
      value.numbers.push_back(signed_number());
    } else {
      do {
        if (token().kind != Token::Kind::name && token().kind != Token::Kind::string) fail("expected a value");
        value.tokens.push_back(take());
      } while (take_if("+"));
    }
    return value;
  }

  double signed_number() {
    const bool negative = take_if("-");
    const Token number = take();
    double x = number.value;
    if (number.kind == Token::Kind::name && number.text == "inf") {
      x = std::numeric_limits<double>::infinity();
    } else if (number.kind == Token::Kind::name && number.text == "nan") {
      x = std::numeric_limits<double>::quiet_NaN();
    } else if (number.kind != Token::Kind::number) {
      fail_at(number, "expected a number");
    }
    return negative ? -x : x;
  }
};

}  // namespace

Graph parse_graph(std::string_view text) {
  Graph graph;
  Parser(graph, text, "graph", false).whole_graph();
  return graph;
}

NodeId parse_expression(Graph& graph, std::string_view text, const std::vector<std::string>& names,
                        const std::vector<NodeId>& values) {
  check(names.size() == values.size(), "parse_expression: {} names for {} values", names.size(), values.size());
  Parser parser(graph, text, "expression", true);
  for (size_t i = 0; i < names.size(); ++i) parser.names[names[i]] = values[i];
  return parser.whole_expression();
}

}  // namespace shoal
