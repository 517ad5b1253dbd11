// A lexer for shoal's small languages: names, %numbers, numbers, strings, symbols and line ends.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace shoal {

struct Token {
  enum class Kind { name, local, number, string, symbol, newline, end } kind = Kind::end;
  std::string text = {};  // of a string without quotes and escapes, of a local (%12) without the sign
  double value = 0;       // number
  int line = 1, column = 1;
  bool is(std::string_view symbol) const { return kind == Kind::symbol && text == symbol; }
};

// Symbols are single characters, and <= >= == !=. `#` starts a comment to the end of the line. The last token is `end`.
// Throws SpecError with the place "<place>:<line>:<column>" ("<place>:<column>" for a text of one line) for a character
// or number it does not know, and for a text longer than 16 MiB.
std::vector<Token> lex(std::string_view text, std::string_view place, bool one_line = false);

// The place of a token as errors name it.
std::string token_place(std::string_view place, const Token&, bool one_line = false);

}  // namespace shoal
