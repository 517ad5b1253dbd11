// Contractions on tensor cores against the evaluator in double, with bounds that follow from each precision's rounding.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "compiler/graph/text.h"
#include "compiler/kernel/gpu_counts.h"
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
  EXPECT_GE(on_tensor_cores, modules / 4) << modules;
}

// Cycles of a multiprocessor for one launch of a warp, by the resource that it needs most.
double cycles(const Module& m) {
  const kernel::GpuCounts c = kernel::gpu_counts(m.kernel, 1);
  return std::max({c.issued / 4, c.floats / 4, c.integers / 2, c.special * 2, c.shared_merge, c.mma * 1.6});
}

// The choice of a nest's units charges padding and single loads at ragged ends, so that it is right by the kernel's
// counts, or not far off: they know more than the model of a nest.
TEST(Precision, TensorCoresAreTakenWhereTheyAreFaster) {
  Target gpu;
  gpu.kind = Target::Kind::cuda;
  gpu.lanes = 32;
  int taken = 0, all = 0;
  for (const int64_t batch : {8, 21, 32})
    for (const int64_t in : {5, 16, 33, 64})
      for (const int64_t out : {4, 9, 32, 70}) {
        const Graph graph = parse_graph(fmt::format(R"(graph layer batch={}
x = input(name="x", shape=[{}], varies=member+sample)
w = input(name="w", shape=[{}, {}], role=parameter, varies=member)
h = tanh(x)
y = contract(h, w, a="k", b="ok", out="o")
out y = y
)",
                                                    batch, in, out, in));
        const std::string schedule = "member=group sample=lane*4 unit=lane*8 tile=8x4";
        const double plain = cycles(compile(graph, gpu, {.members = 100, .schedule = schedule}));
        for (const char* precision : {"f32x3", "tf32", "bf16"}) {
          const Module m = compile(graph, gpu, {.members = 100, .schedule = schedule + " precision=" + precision});
          ++all;
          if (m.per_step.mma == 0) continue;
          ++taken;
          EXPECT_LE(cycles(m), 1.2 * plain) << batch << " " << in << " " << out << " " << precision;
        }
      }
  EXPECT_GE(taken, all / 3) << all;
}

TEST(Precision, AGraphPermitsWhatTheTargetMayNotHave) {
  Graph graph = parse_graph(text_of({32, 32, 32}));
  Target gpu;
  gpu.kind = Target::Kind::cuda;
  gpu.lanes = 32;
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  for (const Precision precision : {Precision::f32x3, Precision::tf32, Precision::bf16}) {
    graph.permits.precision = precision;
    const std::string name = fmt::format("precision={}", precision_name(precision));
    const Module chosen = compile(graph, gpu, {.members = 2000});
    EXPECT_TRUE(has(chosen.schedule, name.c_str())) << chosen.why;
    EXPECT_GT(chosen.per_step.mma, 0);
    const Module cpu = compile(graph, {}, {});
    EXPECT_FALSE(has(cpu.schedule, "precision"));
    EXPECT_TRUE(has(cpu.why, "products are computed in f32: a CPU has no tensor cores")) << cpu.why;
    // What a CPU computes does not depend on the permission.
    Graph plain = graph;
    plain.permits.precision = Precision::f32;
    EXPECT_EQ(compile(plain, {}, {}).source, cpu.source);
  }
  // A given schedule is complete; alone, `precision=` is a permission in the place of the graph's.
  const Module given = compile(graph, gpu, {.schedule = "member=group sample=lane*8 unit=lane*4"});
  EXPECT_EQ(given.per_step.mma, 0);
  EXPECT_TRUE(has(given.why, "the schedule given names no other precision")) << given.why;
  EXPECT_TRUE(has(compile(graph, gpu, {.members = 2000, .schedule = "precision=tf32"}).schedule, "precision=tf32"));
  EXPECT_FALSE(has(compile(graph, gpu, {.members = 2000, .schedule = "precision=f32"}).schedule, "precision"));
  EXPECT_THROW(compile(graph, gpu, {.schedule = "precision=f16"}), SpecError);
  gpu.sm = 75;
  const Module old = compile(graph, gpu, {.members = 2000});
  EXPECT_EQ(old.per_step.mma, 0);
  EXPECT_TRUE(has(old.why, "sm_75 has none")) << old.why;
}

}  // namespace
}  // namespace shoal
