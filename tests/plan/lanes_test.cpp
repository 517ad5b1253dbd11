// How lanes and tiles are dealt on a GPU: to what lowering will cut, to windows, and to sums.
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/graph/text.h"
#include "tests/plan/plans.h"

namespace shoal::test {
namespace {

const harness::Mapping warp{"warp", false, "member=group sample=lane*4 unit=lane*8 tile=4x4"};

// The binding of the nest that stores `name`.
const plan::Binding& binding_of(const plan::Plan& plan, const std::string& name, const plan::Nest** nest) {
  for (size_t n = 0; n < plan.nests.size(); ++n)
    for (const plan::Store& store : plan.nests[n].stores)
      if (plan.values[store.access.value].name == name) {
        *nest = &plan.nests[n];
        return plan.bindings[n];
      }
  throw std::runtime_error("no nest stores " + name);
}

// Ten units over eight lanes would be a tile and a rest, which takes as long again for two of the lanes.
TEST(Lanes, LeaveNoCostlyRest) {
  const plan::Plan p = plan_for(parse_graph("graph g batch=32\n"
                                            "x = input(name=\"x\", shape=[64], varies=sample)\n"
                                            "w = input(name=\"w\", role=parameter, shape=[10, 64], varies=member)\n"
                                            "y = contract(x, w, a=\"i\", b=\"oi\", out=\"o\")\n"
                                            "out y = y\n"),
                                warp);
  const plan::Nest* nest = nullptr;
  const plan::Binding& b = binding_of(p, "y", &nest);
  for (size_t a = 0; a < 2; ++a)
    EXPECT_EQ(nest->axes[a].extent % (b.axes[a].threads * b.axes[a].tile), 0) << nest->axes[a].name;
}

// The gradient of a convolution's weights: few results, each a sum over all samples and positions.
TEST(Lanes, ShareASumOverSamples) {
  const plan::Plan p =
      plan_for(parse_graph("graph g batch=32\n"
                           "x = input(name=\"x\", shape=[6, 6], varies=sample)\n"
                           "d = input(name=\"d\", shape=[4, 4, 4], varies=sample)\n"
                           "h = tanh(x)\n"
                           "e = tanh(d)\n"
                           "w = contract(e, window(h, dims=[0, 1], kernel=[3, 3], stride=[1, 1], low=[0, 0], "
                           "high=[0, 0]), a=\"oyx\", b=\"yxkl\", out=\"okl\", over_sample=true)\n"
                           "out w = w\n"),
               warp);
  const plan::Nest* nest = nullptr;
  const plan::Binding& b = binding_of(p, "w", &nest);
  EXPECT_TRUE(nest->axes.back().sample) << "samples stand side by side";
  const plan::AxisBinding& sum = b.axes.back();
  ASSERT_GT(sum.lane_count, 1);
  EXPECT_EQ(nest->axes.back().extent % (int64_t{sum.lane_count} * sum.vector), 0);
  EXPECT_EQ(b.idle_lanes % sum.lane_count, 0) << "the first of them stores";
  EXPECT_EQ(b.idle_lane_div, 1 << sum.lane_bits.front());
}

// Lanes that read neighbouring rows are an odd number of wide accesses apart: eight of them cover all banks.
TEST(Lanes, ReadRowsOfWindowsInDifferentBanks) {
  const plan::Plan p =
      plan_for(parse_graph("graph g batch=32\n"
                           "x = input(name=\"x\", shape=[8, 6, 6], varies=sample)\n"
                           "w = input(name=\"w\", role=parameter, shape=[8, 8, 3, 3], varies=member)\n"
                           "h = contract(x, w, a=\"cyx\", b=\"ockl\", out=\"oyx\")\n"
                           "y = contract(window(h, dims=[1, 2], kernel=[3, 3], stride=[1, 1], low=[0, 0], "
                           "high=[0, 0]), w, a=\"cyxkl\", b=\"ockl\", out=\"oyx\")\n"
                           "out y = y\n"),
               warp);
  const plan::Nest* nest = nullptr;
  const plan::Binding& b = binding_of(p, "h", &nest);
  const auto h = std::find_if(p.values.begin(), p.values.end(), [](const plan::Value& v) { return v.name == "h"; });
  const plan::Place& place = p.places[static_cast<size_t>(h - p.values.begin())];
  EXPECT_EQ(place.swizzle, 0);
  for (size_t d = 0; d < 3; ++d) {
    if (b.axes[d + 1].lane_count > 1) {
      EXPECT_EQ(place.strides[d] / 4 % 2, 1) << "dimension " << d;
    }
  }
  EXPECT_GE(place.strides[0], 6 * place.strides[1]);
  EXPECT_GE(place.strides[1], 6 * place.strides[2]);
  EXPECT_GE(place.size, 8 * place.strides[0]);
}

}  // namespace
}  // namespace shoal::test
