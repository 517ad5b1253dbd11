// Sums and extrema begin with their first element: one instruction fewer, and a sum of negative zeros keeps its sign.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "compiler/graph/text.h"
#include "tests/harness/run_module.h"

namespace shoal {
namespace {

TEST(TileReduction, BeginsWithTheFirstElement) {
  for (const auto& [reduction, op] : {std::pair{"sum", kernel::Op::add}, {"max", kernel::Op::max}}) {
    const Graph graph =
        parse_graph(fmt::format("graph g batch=8\n"
                                "x = input(name=\"x\", shape=[5], varies=member+sample)\n"
                                "y = reduce(x, reduction={}, dims=[0])\n"
                                "out y = y\n",
                                reduction));
    Target target;
    target.lanes = 8;
    const Module m =
        compile(graph, target, {.members = 3, .schedule = "member=group sample=lane*8 unit=loop tile=1x1 unroll=8"});
    const auto combines = [&](const kernel::Instruction& in) { return in.op == op && in.type == kernel::Type::f32; };
    EXPECT_EQ(std::count_if(m.kernel.code.begin(), m.kernel.code.end(), combines), 4) << reduction;

    Evaluation e = harness::random_inputs(graph, 3, 1);
    std::ranges::fill(e.inputs.at("x").values, -0.0);
    const auto got = harness::run_module(m, graph, e, 1, harness::in_interpreter(1));
    for (const double y : got.at("y").values) EXPECT_TRUE(y == 0 && std::signbit(y)) << reduction;
  }
}

}  // namespace
}  // namespace shoal
