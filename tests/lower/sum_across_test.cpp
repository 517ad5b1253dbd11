// Sums across lanes: each lane gets the sum of its own row; and nests that use them, against the evaluator.
#include "compiler/lower/sum_across.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "compiler/graph/text.h"
#include "tests/harness/run_module.h"

namespace shoal {
namespace {

using kernel::Builder;
using kernel::Kernel;
using kernel::Op;
using kernel::Space;
using kernel::Type;

TEST(SumAcross, EachLaneGetsTheSumOfItsRow) {
  for (const auto& [lanes, count] : {std::pair{2, 2}, {4, 4}, {8, 8}, {16, 16}, {8, 1}, {8, 3}, {8, 5}, {16, 12}}) {
    Kernel k;
    k.lanes = lanes;
    k.buffers = {{.name = "rows", .space = Space::global, .type = Type::f32},
                 {.name = "sums", .space = Space::global, .type = Type::f32}};
    Builder b(k);
    const int32_t lane = b.leaf(Op::lane);
    std::vector<int32_t> rows;
    for (int r = 0; r < count; ++r) rows.push_back(b.load(0, -1, lane, r * lanes));
    b.store(1, -1, lane, 0, lower::sum_across(b, lane, rows));
    kernel::verify(k, "sum_across");
    std::vector<float> values, sums(static_cast<size_t>(lanes)), want(static_cast<size_t>(lanes));
    for (int i = 0; i < lanes * lanes; ++i) {  // whole numbers, whose sums are exact
      values.push_back(static_cast<float>((i * 37) % 101 - 50));
      want[static_cast<size_t>(i / lanes)] += values.back();
    }
    kernel::interpret(k, 0, 1, {{values.data(), lanes * lanes}, {sums.data(), lanes}}, {});
    sums.resize(static_cast<size_t>(count)), want.resize(static_cast<size_t>(count));
    EXPECT_EQ(sums, want) << lanes << " lanes, " << count << " rows";
  }
}

// The gradient of a bias in the form in which it stands in every training step: a value that another nest reads along
// samples, summed over them.
std::string network(int batch, int units) {
  return fmt::format(
      "graph g batch={0}\n"
      "x = input(name=\"x\", shape=[5], varies=member+sample)\n"
      "v = input(name=\"v\", role=parameter, shape=[{1}, 5], varies=member)\n"
      "w = input(name=\"w\", role=parameter, shape=[3, {1}], varies=member)\n"
      "b = input(name=\"b\", role=parameter, shape=[{1}], varies=member)\n"
      "h = contract(x, v, a=\"k\", b=\"ok\", out=\"o\")\n"
      "y = contract(h, w, a=\"k\", b=\"ok\", out=\"o\")\n"
      "s = reduce(h, reduction=sum, dims=[], over_sample=true)\n"
      "out y = y\n"
      "next b = b - 0.1 * s\n",
      batch, units);
}

TEST(SumAcross, SumsOverSamplesAreThoseOfTheEvaluator) {
  struct Case {
    int batch, units;
    const char* chunk;
    bool across;  // whole vectors of samples in every chunk
  };
  for (const Case& c : std::vector<Case>{{32, 16, "", true},
                                         {8, 8, "", true},
                                         {40, 24, "", true},
                                         {96, 8, " chunk=48", true},
                                         {40, 8, " chunk=16", false},
                                         {12, 16, "", false},
                                         {32, 10, "", true},
                                         {16, 1, "", true}}) {
    const Graph graph = parse_graph(network(c.batch, c.units));
    const Evaluation e = harness::random_inputs(graph, 3, 11);
    for (const char* tile : {"2x4", "1x1"}) {
      const std::string schedule =
          fmt::format("member=group sample=lane*8 unit=loop tile={} unroll=4{}", tile, c.chunk);
      Target target;
      target.lanes = 8;
      const Module m = compile(graph, target, {.members = e.members, .schedule = schedule});
      EXPECT_EQ(m.plan_text.find(fmt::format("over [s:{} sample lane*8", c.batch)) != std::string::npos, c.across)
          << schedule << "\n"
          << m.plan_text;
      const auto got = harness::run_module(m, graph, e, 2, harness::in_interpreter(1));
      std::string where;
      // Sums of up to 96 numbers near 1, in f32.
      EXPECT_LE(harness::worst_error(got, harness::run_reference(graph, e, 2), 1e-5, 1e-5, &where), 1)
          << schedule << " of " << c.batch << " samples and " << c.units << " units: " << where;
    }
  }
}

}  // namespace
}  // namespace shoal
