// One line of a plan's text as tokens, with the small readers that all lines share.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "compiler/graph/graph.h"
#include "compiler/support/lexer.h"

namespace shoal::plan {

class Line {
 public:
  Line(std::string_view text, int number);

  [[noreturn]] void fail(const std::string& problem) const;
  const Token& peek() const { return tokens_[at_]; }
  bool at_end() const { return peek().kind == Token::Kind::end; }
  void expect_end() const;

  bool accept(std::string_view symbol_or_name);
  void expect(std::string_view symbol_or_name);
  bool accept_key(std::string_view key);  // `key=`

  std::string word();                  // an identifier
  std::string name();                  // an identifier or a quoted string
  int64_t integer();                   // with its sign
  int32_t small_integer(int64_t low);  // low <= n < 2^31
  double real();                       // inf and nan too
  int32_t local(size_t limit);         // %n with n < limit
  Shape shape();
  DType dtype();
  DType stored_dtype();  // f16 and bf16 too
  Varies varies();
  // A reference to one of `names`: name, or name@i. `what` is told when there is none.
  int32_t reference(const std::vector<std::string>& names, std::string_view what);

 private:
  const Token& take();
  std::string found() const;
  int number_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
};

}  // namespace shoal::plan
