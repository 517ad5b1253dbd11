// Carried values whose old content is read beside their replacement, against the evaluator, under every mapping.
#include <gtest/gtest.h>

#include "compiler/graph/text.h"
#include "tests/harness/mappings.h"
#include "tests/harness/run_module.h"

namespace shoal {
namespace {

struct Case {
  std::string name, statements;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"swap", "next a = b\nnext b = a\n"},
      {"rotation", "next a = b\nnext b = c\nnext c = a\n"},
      {"fibonacci", "next a = b\nnext b = a + b\n"},
      {"fibonacci_reversed", "next b = a + b\nnext a = b\n"},
      {"old_value_as_output", "out y = a\nnext a = 0.5 * a + 1\n"},
      {"old_value_as_two_outputs", "next a = 0.5 * a + 1\nout y = a\nnext b = a\nout z = b\n"},
      {"old_value_after_a_sum", "m = 0.9 * a + b\ns = reduce(m, reduction=sum, dims=[0])\nout y = a * s\nnext a = m\n"},
      {"turned_around", "next a = a + broadcast(reduce(a, reduction=max, dims=[0]), shape=[3], dims=[])\n"},
      {"old_value_after_the_batch",
       "s = reduce(a * x, reduction=sum, dims=[0], over_sample=true)\nnext a = b\nnext b = b * s\nout y = a * x\n"},
  };
  return all;
}

class CarriedState : public testing::TestWithParam<harness::Mapping> {};

TEST_P(CarriedState, OldValuesAreReadBeforeTheyAreReplaced) {
  for (const Case& c : cases()) {
    const Graph graph = parse_graph(
        "graph g batch=5\n"
        "a = input(name=\"a\", role=parameter, shape=[3], varies=member)\n"
        "b = input(name=\"b\", role=parameter, shape=[3], varies=member)\n"
        "c = input(name=\"c\", role=parameter, shape=[3], varies=member)\n"
        "x = input(name=\"x\", shape=[3], varies=member+sample)\n" +
        c.statements);
    const Evaluation e = harness::random_inputs(graph, 3, 5);
    const Module m = compile(graph, harness::target_for(GetParam()),
                             {.members = e.members, .schedule = harness::schedule_for(GetParam(), graph)});
    const auto got = harness::run_module(m, graph, e, 3, harness::in_interpreter(1));
    std::string where;
    // A few roundings of f32 in each of three steps.
    EXPECT_LE(harness::worst_error(got, harness::run_reference(graph, e, 3), 1e-5, 1e-5, &where), 1)
        << c.name << ": " << where << "\n"
        << m.plan_text;
  }
}

INSTANTIATE_TEST_SUITE_P(Mappings, CarriedState, testing::ValuesIn(harness::all_mappings()),
                         [](const auto& p) { return p.param.name; });

}  // namespace
}  // namespace shoal
