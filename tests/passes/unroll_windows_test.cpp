// unroll_windows: which reductions become chains of scalars, and that these compute the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "compiler/graph/evaluate.h"
#include "compiler/graph/scope.h"
#include "compiler/graph/text.h"
#include "compiler/passes/passes.h"

namespace shoal {
namespace {

using testing::HasSubstr;
using testing::Not;

// Numbers of which several are the largest of their window.
const std::vector<double> image = {1, 1, 0, 2, 1, 1, 2, 2, 0, -3, 5, 4, -1, -1, 4, 5};

Graph with_image(const std::string& lines) {
  return parse_graph("graph g batch=1\nx = input(name=\"x\", shape=[1, 4, 4])\n" + lines);
}

// The text after the pass, which computes what the graph did.
std::string unrolled(const Graph& graph) {
  const Evaluation at{.members = 1, .inputs = {{"x", {image}}}};
  const Graph result = dce(cse(fold(run_pass("unroll_windows", graph, unroll_windows, nullptr))));
  const auto before = evaluate(graph, at), after = evaluate(result, at);
  for (const auto& [name, value] : before)
    EXPECT_EQ(after.at(name).values, value.values) << name << "\n" << print(graph);
  return print(result);
}

const std::string pool = "w = window(x, dims=[1, 2], kernel=[2, 2], stride=[2, 2], low=[0, 0], high=[0, 0])\n";

TEST(UnrollWindows, ReducesWindowsByScalars) {
  for (const char* reduction : {"max", "min", "sum"}) {
    const std::string text =
        unrolled(with_image(pool + "y = reduce(w * w, reduction=" + reduction + ", dims=[3, 4])\nout y = y\n"));
    EXPECT_THAT(text, Not(HasSubstr("reduce("))) << reduction;
    EXPECT_THAT(text, HasSubstr("low=[0, 0, 0, 1, 1]")) << reduction;
  }
}

TEST(UnrollWindows, LeavesOtherReductions) {
  const std::vector<std::string> others = {
      // Offsets of one dimension only; a border; more elements than a body shall hold; something beside the windows;
      // none.
      pool + "y = reduce(w, dims=[3])\nout y = y\n",
      "w = window(x, dims=[1, 2], kernel=[2, 2], stride=[2, 2], low=[1, 1], high=[1, 1])\n"
      "y = reduce(w, dims=[3, 4])\nout y = y\n",
      "w = window(x, dims=[1, 2], kernel=[4, 4], stride=[1, 1], low=[0, 0], high=[0, 0])\n"
      "y = reduce(w, dims=[3, 4])\nout y = y\n",
      pool + "y = reduce(w + reshape(x, shape=[1, 2, 2, 2, 2]), dims=[3, 4])\nout y = y\n",
      "y = reduce(reshape(x, shape=[1, 2, 2, 2, 2]), dims=[3, 4])\nout y = y\n"};
  for (const std::string& lines : others) EXPECT_THAT(unrolled(with_image(lines)), HasSubstr("reduce(")) << lines;
}

TEST(UnrollWindows, FindsTheFirstOfEqualMaximaWithoutNumbersToCompare) {
  Graph graph;
  graph.name = "g";
  graph.batch = 1;
  Scope scope(graph);
  const Value x = scope.input("x", Role::input, {1, 4, 4}, {});
  const Value largest = reduce(Reduction::max, window(x, {1, 2}, {2, 2}, {2, 2}, {0, 0}, {0, 0}), {3, 4});
  const Value loss = reduce(Reduction::sum, largest * largest);
  scope.output("dx", {&scope, differentiate(graph, loss.id, {x.id})[0]});
  const std::string text = unrolled(graph);
  EXPECT_THAT(text, Not(HasSubstr("reduce(")));
  EXPECT_THAT(text, Not(HasSubstr("min(")));
}

}  // namespace
}  // namespace shoal
