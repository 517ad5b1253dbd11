// Contractions on tensor cores against the evaluator in double, with bounds that follow from each precision's rounding.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "compiler/graph/text.h"
#include "compiler/support/error.h"
#include "tests/harness/mappings.h"
#include "tests/harness/run_module.h"

namespace shoal {
namespace {

struct Rounding {
  std::string precision;
  double of_factor;  // relative, at most
};

// A number of tf32 has 11 significant bits and one of bf16 has 8, so a factor that is rounded to the nearest is off by
// 2^-11 or 2^-9 at most. In three passes the product of two rests of 2^-11 is left out, and each rest loses what is
// below its own 11 bits: 2^-22 + 2 * 2^-21. Sums are f32.
const Rounding roundings[] = {{"f32x3", 0x1.4p-21}, {"tf32", 0x1p-11}, {"bf16", 0x1p-8}};

struct Sizes {
  int64_t batch, in, out;
};
constexpr Sizes awkward[] = {{32, 32, 32}, {16, 8, 16}, {21, 13, 27}, {33, 40, 70}, {7, 100, 9}, {64, 5, 33}};

// Forward, gradient of the input, gradient of the weight (a sum over samples).
std::string text_of(const Sizes& s) {
  return fmt::format(R"(graph contractions batch={}
x = input(name="x", shape=[{}], varies=member+sample)
w = input(name="w", shape=[{}, {}], role=parameter, varies=member)
e = input(name="e", shape=[{}], varies=member+sample)
y = contract(x, w, a="k", b="ok", out="o")
dx = contract(e, w, a="o", b="ok", out="k")
dw = contract(e, x, a="o", b="k", out="ok", over_sample=true)
out y = y
out dx = dx
out dw = dw
)",
                     s.batch, s.in, s.out, s.in, s.out);
}

std::map<std::string, Array> absolute(std::map<std::string, Array> arrays) {
  for (auto& [name, array] : arrays)
    for (double& value : array.values) value = std::abs(value);
  return arrays;
}

TEST(Precision, ContractionsAreAsExactAsTheirRounding) {
  int modules = 0, on_tensor_cores = 0;
  for (const Sizes& sizes : awkward)
    for (const Rounding& rounding : roundings)
      for (std::string schedule : {"member=group,warp*2 sample=lane*8 unit=lane*4 tile=4x8",
                                   "member=group sample=warp*2,lane*8 unit=lane*4 tile=4x4 chunk=7"}) {
        const Graph graph = parse_graph(text_of(sizes));
        SCOPED_TRACE(fmt::format("{}x{}x{} {} {}", sizes.batch, sizes.in, sizes.out, rounding.precision, schedule));
        Target target;
        target.kind = Target::Kind::cuda;
        target.lanes = 32;
        const Module m =
            compile(graph, target, {.members = 3, .schedule = schedule + " precision=" + rounding.precision});
        ++modules, on_tensor_cores += m.per_step.mma > 0;
        const Evaluation e = harness::random_inputs(graph, 3, 11);
        const auto got = harness::run_module(m, graph, e, 1, harness::in_interpreter(2));
        const auto expected = harness::run_reference(graph, e, 1);
        // The sums of the products' sizes: what a relative error of each product can come to.
        Evaluation sizes_only = e;
        sizes_only.inputs = absolute(e.inputs);
        const auto size = harness::run_reference(graph, sizes_only, 1);
        const double sums = static_cast<double>(std::max({sizes.batch, sizes.in, sizes.out})) * 0x1p-24;
        for (const auto& [name, array] : expected)
          for (size_t i = 0; i < array.values.size(); ++i)
            ASSERT_LE(std::abs(got.at(name).values[i] - array.values[i]),
                      size.at(name).values[i] * (rounding.of_factor * (2 + rounding.of_factor) + sums))
                << name << " " << i;
      }
  // The rest is padding, which plain nests are faster at.
  EXPECT_GE(on_tensor_cores, modules / 2) << modules;
}

TEST(Precision, OptionsAllowWhatTheTargetMayNotHave) {
  const Graph graph = parse_graph(text_of({32, 32, 32}));
  Target gpu;
  gpu.kind = Target::Kind::cuda;
  gpu.lanes = 32;
  const std::string schedule = "member=group sample=lane*8 unit=lane*4";
  EXPECT_NE(compile(graph, gpu, {.schedule = schedule, .precision = "tf32"}).schedule.find("precision=tf32"),
            std::string::npos);
  // Alone in a schedule it is a permission too, and the rest is chosen.
  const Module chosen = compile(graph, gpu, {.members = 2000, .schedule = "precision=bf16"});
  EXPECT_NE(chosen.schedule.find("precision=bf16"), std::string::npos);
  EXPECT_GT(chosen.per_step.mma, 0);
  EXPECT_EQ(compile(graph, {}, {.schedule = "precision=bf16"}).schedule.find("precision"), std::string::npos);
  EXPECT_THROW(compile(graph, gpu, {.schedule = "precision=f16"}), SpecError);
  const Module cpu = compile(graph, {}, {.schedule = "member=group,lane", .precision = "tf32"});
  EXPECT_EQ(cpu.schedule.find("precision"), std::string::npos);
  EXPECT_NE(cpu.why.find("precision tf32: no tensor cores serve this schedule"), std::string::npos) << cpu.why;
}

}  // namespace
}  // namespace shoal
