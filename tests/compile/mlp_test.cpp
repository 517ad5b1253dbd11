// A whole training step of a small MLP, put together by hand, under every kind of schedule, against the evaluator in
// double.
#include <gtest/gtest.h>

#include "compiler/graph/scope.h"
#include "compiler/passes/passes.h"
#include "tests/harness/run_module.h"

namespace shoal {
namespace {

// y = W2 max(0, W1 x + b1) + b2, mean squared error, gradient descent; samples chosen by the shuffle.
Graph training_step(int64_t in, int64_t hidden, int64_t out, int64_t batch, int64_t samples) {
  Graph g;
  g.name = "mlp";
  g.batch = batch;
  Scope s(g);
  Value data_x = s.input("data.x", Role::data, {samples, in}, {});
  Value data_y = s.input("data.y", Role::data, {samples, out}, {});
  Value key = s.input("order_key", Role::key, {}, {true, false}, DType::i32);
  Value lr = s.input("optimizer.lr", Role::hyper, {}, {true, false});
  Value i = rem(s.position() + s.step() + key, double(samples));
  Value x = gather(data_x, i), y = gather(data_y, i);
  std::vector<Value> p = {s.input("w1", Role::parameter, {hidden, in}, {true, false}),
                          s.input("b1", Role::parameter, {hidden}, {true, false}),
                          s.input("w2", Role::parameter, {out, hidden}, {true, false}),
                          s.input("b2", Role::parameter, {out}, {true, false})};
  Value h = max(0.0, contract(p[0], "oi", x, "i", "o") + p[1]);
  Value z = contract(p[2], "oi", h, "i", "o") + p[3];
  Value d = z - y;
  Value loss = mean_samples(reduce(Reduction::sum, d * d)) / static_cast<double>(out);
  std::vector<NodeId> ids;
  for (Value v : p) ids.push_back(v.id);
  std::vector<NodeId> gradients = differentiate(g, loss.id, ids);
  for (size_t k = 0; k < p.size(); ++k) s.next(p[k], p[k] - lr * Value{&s, gradients[k]});
  s.output("loss", loss);
  return dce(cse(fold(g)));
}

struct Mapping {
  const char* name;
  bool cpu;
  const char* schedule;
};
const Mapping mappings[] = {
    {"lane_per_member", true, "member=group,lane tile=4x2"},
    {"lane_per_member_chunks", true, "member=group,lane tile=4x2 chunk=3"},
    {"lane_per_sample", true, "member=group sample=lane tile=2x4"},
    {"lane_per_sample_chunks", true, "member=group sample=lane tile=2x4 chunk=4"},
    {"lane_per_unit", true, "member=group unit=lane tile=2x4"},
    {"thread_per_member", false, "member=group,warp*2,lane tile=2x2"},
    {"warp_per_member", false, "member=group,warp*2 sample=lane*4 unit=lane*8 tile=4x2"},
    {"block_per_member", false, "member=group sample=warp*2,lane*4 unit=warp*2,lane*8 tile=2x2"},
};

class Mlp : public testing::TestWithParam<Mapping> {};

TEST_P(Mlp, ThreeStepsAsTheEvaluator) {
  struct Size {
    int64_t in, hidden, out, batch, members;
  };
  for (Size size : {Size{3, 5, 2, 7, 3}, Size{8, 16, 4, 8, 9}, Size{1, 1, 1, 1, 1}, Size{2, 33, 3, 5, 2}}) {
    Graph g = training_step(size.in, size.hidden, size.out, size.batch, size.batch + 4);
    Target target;
    target.kind = GetParam().cpu ? Target::Kind::cpu : Target::Kind::cuda;
    target.lanes = GetParam().cpu ? 8 : 32;
    Evaluation e = harness::random_inputs(g, size.members, 7);
    std::string schedule = GetParam().schedule;
    if (size.batch == 1) schedule = schedule.substr(0, schedule.find(" chunk"));
    Module m = compile(g, target, {.members = size.members, .schedule = schedule});
    auto expected = harness::run_reference(g, e, 3);
    for (uint64_t seed : {0, 1, 2}) {
      auto got = harness::run_module(m, g, e, 3, harness::in_interpreter(seed));
      std::string where;
      // f32 rounding of sums of up to 33 terms of size 1, over three small steps.
      EXPECT_LE(harness::worst_error(got, expected, 2e-6, 1e-5, &where), 1) << where << "\n" << m.plan_text;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Schedules, Mlp, testing::ValuesIn(mappings), [](const auto& p) { return p.param.name; });

}  // namespace
}  // namespace shoal
