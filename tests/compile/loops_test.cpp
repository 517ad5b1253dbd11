// Loops over time, put together by hand, under every kind of schedule, against the evaluator in double.
#include <gtest/gtest.h>

#include "compiler/graph/scope.h"
#include "compiler/passes/passes.h"
#include "compiler/support/error.h"
#include "tests/harness/mappings.h"
#include "tests/harness/run_module.h"

namespace shoal {
namespace {

// h' = tanh(W h + U x_t) from zeros, where h fades at even times, which is the same for all samples; the last hidden
// state, all of them, and a gated copy that is updated at its point only.
Graph recurrent(int64_t time, int64_t in, int64_t hidden, int64_t batch, bool reversed) {
  Graph g;
  g.name = "recurrent";
  g.batch = batch;
  Scope s(g);
  Value x = s.input("x", Role::input, {time, in}, {true, true});
  Value w = s.input("w", Role::parameter, {hidden, hidden}, {true, false});
  Value u = s.input("u", Role::parameter, {hidden, in}, {true, false});
  int32_t loop = s.loop(time, reversed);
  Value t = s.time(loop);
  Value h = s.carry(loop, broadcast_to(s.constant(0), {hidden}), {true, true});
  Value c = s.carry(loop, broadcast_to(s.constant(0.5), {hidden}), {true, true});
  Value xt = gather(x, t);
  Value read = select(equal(rem(t, 2.0), s.constant(0, DType::i32)), h * 0.5, h);
  Value next = tanh(contract(w, "oi", read, "i", "o") + contract(u, "oi", xt, "i", "o"));
  Value gated = c * 0.75 + next * 0.25;
  s.advance(h, next);
  s.advance(c, gated);
  Value final_state = last(next), all = collect(gated), before = collect(h);
  s.output("last", final_state * 2.0);
  s.output("all", all);
  s.output("weight", contract(all, "to", before, "ti", "oi", true));
  return dce(cse(fold(g)));
}

class Loops : public testing::TestWithParam<harness::Mapping> {};

TEST_P(Loops, AsTheEvaluator) {
  struct Size {
    int64_t time, in, hidden, batch, members;
    bool reversed;
  };
  for (Size size : {Size{4, 3, 8, 8, 3, false}, Size{5, 2, 7, 3, 2, true}, Size{1, 1, 1, 1, 1, false}}) {
    Graph g = recurrent(size.time, size.in, size.hidden, size.batch, size.reversed);
    Evaluation e = harness::random_inputs(g, size.members, 3);
    Module m = compile(g, harness::target_for(GetParam()),
                       {.members = size.members, .schedule = harness::schedule_for(GetParam(), g)});
    for (uint64_t seed : {0, 1, 2}) {
      std::string where;
      // f32 rounding of sums of up to 40 terms of size 1.
      EXPECT_LE(harness::worst_error(harness::run_module(m, g, e, 1, harness::in_interpreter(seed)),
                                     harness::run_reference(g, e, 1), 1e-5, 1e-5, &where),
                1)
          << where << "\n"
          << m.plan_text;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Mappings, Loops, testing::ValuesIn(harness::all_mappings()),
                         [](const auto& p) { return p.param.name; });

// Sums over samples inside of a loop need all of them at each time.
TEST(Loops, ThatSumOverSamplesTakeTheWholeBatch) {
  Graph g;
  g.batch = 4;
  Scope s(g);
  const Value x = s.input("x", Role::input, {3, 2}, {false, true});
  const int32_t loop = s.loop(3);
  const Value time = s.time(loop), h = s.carry(loop, broadcast_to(s.constant(0), {2}), {true, true});
  const Value next = gather(x, time) + mean_samples(tanh(h + gather(x, time)));
  s.advance(h, next);
  s.output("y", last(next));
  const Target target = harness::target_for(harness::all_mappings()[0]);
  try {
    compile(g, target, {.members = 8, .schedule = "member=group,lane chunk=2"});
    FAIL() << "chunks were taken";
  } catch (const SpecError& error) {
    EXPECT_STREQ(
        error.what(),
        "schedule: a loop over time sums over the samples of the batch, so it takes all of them: leave out chunk");
  }
  EXPECT_EQ(compile(g, target, {.members = 8, .schedule = ""}).schedule.find("chunk"), std::string::npos);
}

}  // namespace
}  // namespace shoal
