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

constexpr int64_t per_nest = 100000;

Target target() {
  Target t;
  t.cpu = {.cpu = "x86-64-v3", .features = "+avx,+avx2,+fma,+f16c,+sse4.1"};
  t.workers = 8;
  t.teams = true;
  return t;
}

int64_t instructions(const Graph& graph, const plan::Schedule& schedule, int64_t* nests) {
  const plan::Plan p = make_plan(graph, schedule, target());
  *nests = static_cast<int64_t>(p.nests.size());
  return static_cast<int64_t>(lower::lower(p).code.size());
}

void expect_bounded(const std::string& name, const Graph& graph) {
  const Target t = target();
  const plan::Machine machine{true, t.lanes, t.registers, t.l1_bytes, t.l2_bytes, t.shared_bytes, t.workers, t.teams};
  for (const int64_t members : {1, 10000})
    for (const plan::Candidate& c : plan::candidates(graph, members, machine)) {
      int64_t nests = 0;
      const int64_t count = instructions(graph, c.schedule, &nests);
      fmt::print("SIZE {:6} {:6} {:6} {} B={} P={} {}\n", count / nests, count, nests, name, graph.batch, members,
                 print(c.schedule));
      EXPECT_LE(count, per_nest * nests) << name << ", batch " << graph.batch << ": " << print(c.schedule);
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
    for (const OpCase& c : op_cases(batch)) expect_bounded(c.name, c.graph);
}

TEST(CodeSize, DeepAndWideNetworks) {
  for (const int64_t batch : {1, 32, 512}) {
    expect_bounded("8 layers of 128", training("[128]", dense(8, 128), batch));
    expect_bounded("2 layers of 1024", training("[1000]", dense(2, 1024, "gelu"), batch));
    expect_bounded("2 layers of 3", training("[3]", dense(2, 3, "tanh"), batch));
    expect_bounded("conv", training("[3,32,32]",
                                    R"([{"conv2d":{"out_channels":8,"kernel":3,"padding":1}},{"relu":{}},
                                        {"max_pool2d":{"kernel":2}},{"conv2d":{"out_channels":16,"kernel":5,"stride":2}},
                                        {"tanh":{}},{"flatten":{}},{"dense":{"units":10}}])",
                                    batch, R"({"cross_entropy":{}})"));
    expect_bounded("gru", training("[50,8]", R"([{"gru":{"units":16}},{"dense":{"units":4}}])", batch));
  }
  expect_bounded("32 layers of 16", training("[16]", dense(32, 16), 32));
}

}  // namespace
}  // namespace shoal::test
