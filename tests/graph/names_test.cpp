// Names: identifiers unique in a graph, near names for messages, quoting.
#include "compiler/graph/names.h"

#include <gtest/gtest.h>

#include "compiler/graph/scope.h"
#include "compiler/support/lexer.h"
#include "compiler/support/text.h"

namespace shoal {
namespace {

TEST(Names, BecomeIdentifiersThatAreUnique) {
  Graph graph;
  Scope s(graph);
  EXPECT_EQ(graph[s.input("0.weight", Role::parameter, {}, {.member = true}).id].name, "_0.weight");
  EXPECT_EQ(graph[s.name("a \"b\"\n", s.constant(1)).id].name, "a__b__");
  EXPECT_EQ(graph[s.name("h", s.constant(1)).id].name, "h");
  EXPECT_EQ(graph[s.name("h", s.constant(2)).id].name, "h_2");
  EXPECT_TRUE(is_identifier("_0.weight"));
  EXPECT_FALSE(is_identifier("0.weight"));
  EXPECT_FALSE(is_identifier(""));
  EXPECT_FALSE(is_identifier("a;b"));
}

TEST(Names, NearOnesAreSuggested) {
  const std::vector<std::string> known = {"tanh", "sigmoid", "relu"};
  EXPECT_EQ(closest("tnah", known), "tanh");
  EXPECT_EQ(closest("sigmoyd", known), "sigmoid");
  EXPECT_EQ(closest("rely", known), "relu");
  EXPECT_EQ(closest("convolution", known), "");
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("ab", "ba"), 1);
}

TEST(Names, QuotedTextIsReadBack) {
  std::string text;
  for (int c = 1; c < 256; ++c) text += static_cast<char>(c);
  const std::vector<Token> tokens = lex(quoted_text(text), "text");
  ASSERT_EQ(tokens.size(), 2u);
  EXPECT_EQ(tokens[0].kind, Token::Kind::string);
  EXPECT_EQ(tokens[0].text, text);
}

}  // namespace
}  // namespace shoal
