// Poolings that take a convolution's sums from the registers of its tile, with their gradients, against the evaluator
// in double.
#include <gtest/gtest.h>

#include "compiler/graph/scope.h"
#include "compiler/passes/passes.h"
#include "tests/harness/mappings.h"
#include "tests/harness/run_module.h"

namespace shoal {
namespace {

struct Size {
  int64_t channels, padding;
  std::vector<int64_t> pool, stride;
  Reduction reduction;
};

const std::vector<Size>& sizes() {
  static const std::vector<Size> all = {
      {8, 0, {2, 2}, {2, 2}, Reduction::max},  // 5 x 5 sums, of which the last row and column are in no window
      {3, 1, {2, 2}, {2, 2}, Reduction::max},  // a tile with a rest
      {1, 0, {2, 2}, {3, 3}, Reduction::sum},  // elements between the windows, and no axis of channels
      {5, 0, {1, 2}, {1, 2}, Reduction::sum},  // a window along one axis
      {2, 0, {3, 1}, {3, 1}, Reduction::min},
  };
  return all;
}

// The sum of squares of a convolution's poolings. With `gradients` its gradients by image, filter and bias.
Graph pooled_convolution(const Size& size, bool gradients) {
  Graph g;
  g.name = "pooled_convolution";
  g.batch = 16;
  Scope s(g);
  Value x = s.input("x", Role::input, {2, 7, 7}, {true, true});
  Value w = s.input("w", Role::parameter, {size.channels, 2, 3, 3}, {true, false});
  Value b = s.input("b", Role::parameter, {size.channels}, {true, false});
  const std::vector<int64_t> pads(2, size.padding), none(2, 0);
  Value sums = contract(window(x, {1, 2}, {3, 3}, {1, 1}, pads, pads, 0), "chwij", w, "ocij", "ohw");
  Value biased = sums + reshape(b, {size.channels, 1, 1});
  Value pooled = reduce(size.reduction, window(biased, {1, 2}, size.pool, size.stride, none, none, 0), {3, 4});
  if (!gradients) {
    s.output("pooled", pooled);
  } else {
    Value loss = mean_samples(reduce(Reduction::sum, pooled * pooled));
    const std::vector<NodeId> by = differentiate(g, loss.id, {x.id, w.id, b.id});
    s.output("dx", Value{&s, by[0]});
    s.output("dw", Value{&s, by[1]});
    s.output("db", Value{&s, by[2]});
  }
  return dce(cse(fold(unroll_windows(g))));
}

const std::vector<harness::Mapping>& mappings() {
  static const std::vector<harness::Mapping> all = {
      {"lane_per_sample", true, "member=group sample=lane tile=3x4"},
      {"lane_per_sample_large_tile", true, "member=group sample=lane tile=4x5"},
      {"lane_per_sample_chunks", true, "member=group sample=lane tile=3x4 chunk=8 unroll=1"},
      {"lane_per_member", true, "member=group,lane tile=3x4 chunk=5 sums=2"},
      {"lane_per_unit", true, "member=group unit=lane tile=4x4"},
      {"team_over_samples", true, "member=group sample=warp*2,lane tile=3x4"},
      {"team_over_units", true, "member=group sample=lane unit=warp*2 tile=3x4"},
  };
  return all;
}

// A second convolution behind the pooling, whose padding is a copy of the pooled values with a border.
Graph two_convolutions() {
  Graph g;
  g.name = "two_convolutions";
  g.batch = 16;
  Scope s(g);
  Value x = s.input("x", Role::input, {1, 8, 8}, {true, true});
  Value w = s.input("w", Role::parameter, {3, 1, 3, 3}, {true, false});
  Value v = s.input("v", Role::parameter, {2, 3, 3, 3}, {true, false});
  const std::vector<int64_t> none(2, 0), one(2, 1);
  Value sums = contract(window(x, {1, 2}, {3, 3}, {1, 1}, none, none, 0), "chwij", w, "ocij", "ohw");
  Value pooled = reduce(Reduction::max, window(sums, {1, 2}, {2, 2}, {2, 2}, none, none, 0), {3, 4});
  Value y = contract(window(pooled, {1, 2}, {3, 3}, {1, 1}, one, one, 0), "chwij", v, "ocij", "ohw");
  s.output("y", reduce(Reduction::max, window(y, {1, 2}, {3, 3}, {3, 3}, none, none, 0), {3, 4}));
  return dce(cse(fold(unroll_windows(g))));
}

class WindowsOfSums : public testing::TestWithParam<harness::Mapping> {};

TEST_P(WindowsOfSums, AsTheEvaluator) {
  for (const Size& size : sizes())
    for (bool gradients : {false, true}) {
      const Graph g = pooled_convolution(size, gradients);
      const Evaluation e = harness::random_inputs(g, 3, 3);
      const Module m = compile(g, harness::target_for(GetParam()), {.members = 3, .schedule = GetParam().schedule});
      EXPECT_TRUE(m.plan_text.find(" window tile*") != std::string::npos) << m.plan_text;
      std::string where;
      // f32 rounding of sums of up to 400 terms of size 10.
      EXPECT_LE(harness::worst_error(harness::run_module(m, g, e, 1, harness::in_interpreter(1)),
                                     harness::run_reference(g, e, 1), 1e-4, 1e-4, &where),
                1)
          << size.channels << " channels, windows of " << size.pool[0] << " x " << size.pool[1] << ": " << where;
    }
}

TEST_P(WindowsOfSums, AreCopiedIntoTheBorderOfTheNextConvolution) {
  const Graph g = two_convolutions();
  const Evaluation e = harness::random_inputs(g, 3, 4);
  const Module m = compile(g, harness::target_for(GetParam()), {.members = 3, .schedule = GetParam().schedule});
  EXPECT_TRUE(m.plan_text.find(" window tile*") != std::string::npos) << m.plan_text;
  std::string where;
  // f32 rounding of sums of up to 27 terms of size 10.
  EXPECT_LE(harness::worst_error(harness::run_module(m, g, e, 1, harness::in_interpreter(1)),
                                 harness::run_reference(g, e, 1), 1e-4, 1e-4, &where),
            1)
      << where;
}

INSTANTIATE_TEST_SUITE_P(Mappings, WindowsOfSums, testing::ValuesIn(mappings()),
                         [](const auto& p) { return p.param.name; });

}  // namespace
}  // namespace shoal
