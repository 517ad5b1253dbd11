// Windows with every kind of step and padding, and their gradients, under every kind of schedule, against the evaluator
// in double; and what the code of windows may not hold.
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/graph/scope.h"
#include "compiler/passes/passes.h"
#include "tests/harness/mappings.h"
#include "tests/harness/run_module.h"

namespace shoal {
namespace {

struct Size {
  int64_t kernel, stride, padding;
};

// The sum of squares of a convolution, with its gradients by image and by filter.
Graph convolution(Size size) {
  Graph g;
  g.name = "convolution";
  g.batch = 4;
  Scope s(g);
  Value x = s.input("x", Role::input, {2, 7, 7}, {true, true});
  Value w = s.input("w", Role::parameter, {3, 2, size.kernel, size.kernel}, {true, false});
  std::vector<int64_t> pads(2, size.padding);
  Value patches = window(x, {1, 2}, {size.kernel, size.kernel}, {size.stride, size.stride}, pads, pads, 0);
  Value y = contract(patches, "chwij", w, "ocij", "ohw");
  Value loss = mean_samples(reduce(Reduction::sum, y * y));
  std::vector<NodeId> gradients = differentiate(g, loss.id, {x.id, w.id});
  s.output("dx", Value{&s, gradients[0]});
  s.output("dw", Value{&s, gradients[1]});
  return dce(cse(fold(g)));
}

class Windows : public testing::TestWithParam<harness::Mapping> {};

TEST_P(Windows, AsTheEvaluator) {
  for (Size size :
       {Size{3, 1, 1}, Size{2, 2, 0}, Size{3, 2, 1}, Size{2, 3, 0}, Size{5, 2, 2}, Size{3, 3, 1}, Size{5, 5, 1}}) {
    Graph g = convolution(size);
    Evaluation e = harness::random_inputs(g, 3, 3);
    Module m =
        compile(g, harness::target_for(GetParam()), {.members = 3, .schedule = harness::schedule_for(GetParam(), g)});
    std::string where;
    // f32 rounding of sums of up to 200 terms of size 10.
    EXPECT_LE(harness::worst_error(harness::run_module(m, g, e, 1, harness::in_interpreter(1)),
                                   harness::run_reference(g, e, 1), 1e-4, 1e-4, &where),
              1)
        << "kernel " << size.kernel << " stride " << size.stride << " padding " << size.padding << ": " << where;
  }
}

INSTANTIATE_TEST_SUITE_P(Mappings, Windows, testing::ValuesIn(harness::all_mappings()),
                         [](const auto& p) { return p.param.name; });

// Which positions a strided window reaches is known for every point of a body that holds all phases of the stride.
TEST(WindowCode, StridesDivideNothingAtRunTime) {
  for (Size size : {Size{2, 2, 0}, Size{3, 3, 0}, Size{3, 2, 1}}) {
    harness::Mapping mapping{"lane_per_member", true, "member=group,lane tile=4x2"};
    Graph g = convolution(size);
    Module m = compile(g, harness::target_for(mapping), {.members = 8, .schedule = mapping.schedule});
    EXPECT_TRUE(std::none_of(m.kernel.code.begin(), m.kernel.code.end(),
                             [](const kernel::Instruction& i) { return i.op == kernel::Op::rem; }))
        << "kernel " << size.kernel << " stride " << size.stride;
  }
}

// A window that is not padded names elements: no copy of them is kept.
TEST(WindowCode, WindowsAreNotStored) {
  harness::Mapping mapping{"lane_per_member", true, "member=group,lane tile=4x2"};
  Module m =
      compile(convolution({3, 1, 0}), harness::target_for(mapping), {.members = 8, .schedule = mapping.schedule});
  EXPECT_EQ(m.plan_text.find("value window"), std::string::npos) << m.plan_text;
}

}  // namespace
}  // namespace shoal
