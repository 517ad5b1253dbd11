// The verifier finds each broken invariant.
#include "compiler/graph/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "compiler/graph/text.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

TEST(Verify, FindsWhatIsBroken) {
  const Graph good = parse_graph(R"(graph g batch=4
x = input(name="x", shape=[3], varies=sample)
m = input(name="m", role=state, varies=member)
y = tanh(x)
s = reduce(y, dims=[0], over_sample=true)
out y = y
next m = m
)");
  EXPECT_NO_THROW(verify(good, "parse"));
  const std::pair<std::string, std::function<void(Graph&)>> breakages[] = {
      {"an input does not precede its user: %2 y = tanh(%3) of f32[3]", [](Graph& g) { g.nodes[2].inputs = {3}; }},
      {"expected 1 operand, got 0", [](Graph& g) { g.nodes[2].inputs = {}; }},
      {"the shape should be [3]", [](Graph& g) { g.nodes[2].shape = {4}; }},
      {"the type should be f32", [](Graph& g) { g.nodes[2].dtype = DType::i32; }},
      {"the axes it varies over are wrong", [](Graph& g) { g.nodes[2].varies.member = true; }},
      {"two nodes have the same name", [](Graph& g) { g.nodes[3].name = g.nodes[2].name; }},
      {"the name is no identifier", [](Graph& g) { g.nodes[3].name = "a b"; }},
      {"two inputs have the same name", [](Graph& g) { g.nodes[1].attrs.name = g.nodes[0].attrs.name; }},
      {"output y does not exist", [](Graph& g) { g.outputs[0].value = 9; }},
      {"output m is carried to no input", [](Graph& g) { g.outputs[1].state = 2; }},
      {"has another shape or type", [](Graph& g) { g.outputs[1].value = 2; }},
      {"an input has two next values", [](Graph& g) { g.outputs.push_back(g.outputs[1]); }},
      {"two outputs are named y", [](Graph& g) { g.outputs.push_back(g.outputs[0]); }},
      {"the batch is not positive", [](Graph& g) { g.batch = 0; }},
  };
  for (const auto& [problem, breakage] : breakages) {
    Graph broken = good;
    breakage(broken);
    try {
      verify(broken, "some_pass");
      ADD_FAILURE() << "not found: " << problem;
    } catch (const InternalError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(problem));
      EXPECT_THAT(error.what(), testing::HasSubstr("after some_pass"));
    }
  }
}

}  // namespace
}  // namespace shoal
