// The code of a kernel grows with the number of its nests and with nothing else: not with widths, the batch, the
// population or the time steps.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "compiler/lower/lower.h"
#include "compiler/make_plan.h"
#include "compiler/plan/choose.h"
#include "tests/ops/op_harness.h"
#include "tests/programs/model_json.h"

namespace shoal::test {
namespace {

// Kernel instructions a nest, on average. A tile has at most 16 points and a sum is unrolled by up to 9; a tile that
// does not divide its axes is there once more for each rest, and once more for the rest of a chunk. Pooling with
// windows of 3 x 3 comes to 1000, dense layers come to 200. Machine code has up to six instructions for each
// (tests/isa/assembly.cpp).
constexpr int64_t per_nest = 2000, per_nest_of_networks = 500;

Target target() {
  Target t;
  t.cpu = {.cpu = "x86-64-v3", .features = "+avx,+avx2,+fma,+f16c,+sse4.1"};
  t.workers = 8;
  t.teams = true;
  return t;
}

int64_t instructions(const Graph& graph, const plan::Schedule& schedule, int64_t* nests = nullptr) {
  const plan::Plan p = make_plan(graph, schedule, target());
  if (nests) *nests = static_cast<int64_t>(p.nests.size());
  return static_cast<int64_t>(lower::lower(p).code.size());
}

void expect_bounded(const std::string& name, const Graph& graph, int64_t bound) {
  const Target t = target();
  const plan::Machine machine{.workers = t.workers, .teams = t.teams};
  const auto expect_short = [&](const plan::Candidate& c) {
    int64_t nests = 0;
    const int64_t count = instructions(graph, c.schedule, &nests);
    EXPECT_LE(count, bound * nests) << name << ", batch " << graph.batch << ": " << print(c.schedule);
  };
  for (const int64_t members : {1, 10000})
    for (const plan::Candidate& c : plan::candidates(graph, members, machine)) {
      expect_short(c);
      for (const plan::Candidate& variation : plan::variations(c, graph, machine)) expect_short(variation);
    }
}

Graph training(const char* input, const std::string& layers, int64_t batch, const char* loss = R"({"mse":{}})") {
  Model model;
  model.network = network_from_json(input, layers.c_str());
  model.loss = loss_from_json(json::parse(loss));
  model.optimizer = optimizer_from_json(json::parse(R"({"adam":{}})"));
  return train(model, {.samples = 2 * batch, .batch = batch}).graph;
}

std::string dense(int layers, int units, const char* activation = "relu") {
  std::string text;
  for (int k = 0; k < layers; ++k)
    text += fmt::format(R"({}{{"dense":{{"units":{}}}}},{{"{}":{{}}}})", k ? "," : "", units, activation);
  return "[" + text + "]";
}

TEST(CodeSize, SamplesOfEveryOp) {
  for (const int64_t batch : {1, 37, 512})
    for (const OpCase& c : op_cases(batch)) expect_bounded(c.name, c.graph, per_nest);
}

TEST(CodeSize, DeepAndWideNetworks) {
  const auto bounded = [](const char* name, const Graph& graph) { expect_bounded(name, graph, per_nest_of_networks); };
  for (const int64_t batch : {1, 32, 512}) {
    bounded("8 layers of 128", training("[128]", dense(8, 128), batch));
    bounded("2 layers of 1024", training("[1000]", dense(2, 1024, "gelu"), batch));
    bounded("2 layers of 3", training("[3]", dense(2, 3, "tanh"), batch));
    bounded("conv", training("[3,32,32]",
                             R"([{"conv2d":{"out_channels":8,"kernel":3,"padding":1}},{"relu":{}},
                                 {"max_pool2d":{"kernel":2}},{"conv2d":{"out_channels":16,"kernel":5,"stride":2}},
                                 {"tanh":{}},{"flatten":{}},{"dense":{"units":10}}])",
                             batch, R"({"cross_entropy":{}})"));
    bounded("gru", training("[50,8]", R"([{"gru":{"units":16}},{"dense":{"units":4}}])", batch));
  }
  bounded("32 layers of 16", training("[16]", dense(32, 16), 32));
}

// Under one schedule, sizes that tiles divide alike make about the same code with other numbers in it.
TEST(CodeSize, WidthsBatchAndTimeAddNothing) {
  const Target t = target();
  const auto size = [&](const Graph& graph, const char* schedule) {
    return instructions(graph, plan::parse_schedule(schedule, t.lanes));
  };
  for (const char* schedule : {"member=group,lane tile=4x2", "member=group sample=lane tile=2x4",
                               "member=group unit=lane tile=4x2", "member=group sample=warp*2 unit=lane tile=2x2"}) {
    SCOPED_TRACE(schedule);
    const int64_t small = size(training("[64]", dense(2, 64), 32), schedule);
    for (const auto& [units, batch] : {std::pair(64, 512), std::pair(1024, 32), std::pair(1024, 512)}) {
      const std::string input = fmt::format("[{}]", units);
      // Some nests deal out their axes another way when there is more to deal out: a fifth more code at most.
      EXPECT_LE(size(training(input.c_str(), dense(2, units), batch), schedule), small + small / 4)
          << units << " units, batch " << batch;
    }
  }
  for (const char* schedule : {"member=group,lane tile=4x2", "member=group sample=lane tile=2x4"}) {
    const char* layers = R"([{"gru":{"units":16}},{"dense":{"units":4}}])";
    const int64_t few = size(training("[10,8]", layers, 32), schedule);
    EXPECT_LE(size(training("[100,8]", layers, 32), schedule), few + few / 4) << "100 time steps";
  }
}

}  // namespace
}  // namespace shoal::test
