// What need not be run to be seen: assembly of networks for every level. Vectors have the level's registers,
// multiply-adds are fused where it has them, nothing is called, and few values go by way of the stack.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "runtime/cpu/host.h"
#include "runtime/cpu/jit.h"
#include "tests/isa/networks.h"
#include "tests/programs/model_json.h"

namespace shoal::test {
namespace {

struct Level {
  const char* name;
  std::vector<const char*> vectors;     // any of them stands in an instruction on a whole vector register
  std::vector<const char*> multiplies;  // ... in one that multiplies and adds
  std::vector<const char*> stack;       // ... in one that goes to the stack
  double most_on_stack;                 // share of the vector instructions
};

const std::vector<Level>& levels() {
  const std::vector<const char*> fused{"vfmadd", "vfnmadd", "vfmsub", "vfnmsub"}, stack{"(%rsp", "(%rbp"};
  static const std::vector<Level> all{{"x86-64", {"%xmm"}, {"call"}, stack, 0.25},
                                      {"x86-64-v3", {"%ymm"}, fused, stack, 0.25},
                                      {"x86-64-v4", {"%zmm"}, fused, stack, 0.25},
                                      {"aarch64", {".4s", "\tq", ", q"}, {"fmla\t", "fmls\t"}, {"[sp", "[x29"}, 0.3}};
  return all;
}

bool has_any(const std::string& line, const std::vector<const char*>& parts) {
  return std::any_of(parts.begin(), parts.end(), [&](const char* part) { return line.find(part) != line.npos; });
}

struct Counts {
  int all = 0, vectors = 0, multiplies = 0, stack = 0, foreign_calls = 0;
};

Counts count(const std::string& assembly, const Level& level) {
  Counts counts;
  std::istringstream lines(assembly);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('\t') || line.starts_with("\t.")) continue;  // labels and directives
    ++counts.all;
    const bool own = has_any(line, {"shoal_", "nest"});  // functions of the module
    const bool barrier = has_any(line, {"*"});           // by a pointer
    counts.foreign_calls += has_any(line, {"\tcall", "\tbl\t"}) && !own && !barrier;
    counts.multiplies +=
        own ? has_any(line, {"shoal_fma_vector"}) : has_any(line, level.vectors) && has_any(line, level.multiplies);
    if (!has_any(line, level.vectors)) continue;
    ++counts.vectors;
    counts.stack += has_any(line, level.stack);
  }
  return counts;
}

class Assembly : public testing::TestWithParam<Level> {};

// Instructions of a machine for one of the kernel, on average: two where it is an operation of vectors and their
// addresses; more where lanes are gathered one by one, or the machine has no such operation.
constexpr double most_for_one = 6;

TEST_P(Assembly, OfNetworksHasVectorsAndFewSpills) {
  const Level& level = GetParam();
  const Target target = cpu::target_for(level.name);
  for (const json& c : load_reference("torch_train.json")) {
    if (c["name"] != "conv" && c["name"] != "gru") continue;
    const Program program = train(model_from_json(c), {.samples = 64, .batch = 32});
    for (const harness::Mapping& mapping : isa_mappings()) {
      if (mapping.name == "lane_per_sample_chunks" || mapping.name == "team_over_both") continue;  // more of the same
      const Module m =
          compile(program.graph, target, {.members = 64, .schedule = harness::schedule_for(mapping, program.graph)});
      const Counts counts = count(cpu::compile_assembly(m.source, m.target.cpu), level);
      const std::string what = fmt::format(
          "{} {} {}: {} kernel instructions, {} of the machine, {} of vectors, {} multiply-adds, {} with the stack",
          level.name, c["name"].get<std::string>(), mapping.name, m.kernel.code.size(), counts.all, counts.vectors,
          counts.multiplies, counts.stack);
      EXPECT_GT(counts.multiplies, 0) << what;
      EXPECT_LE(counts.stack, level.most_on_stack * counts.vectors) << what;
      EXPECT_LE(counts.all, most_for_one * static_cast<double>(m.kernel.code.size())) << what;
      EXPECT_EQ(counts.foreign_calls, 0) << what;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, Assembly, testing::ValuesIn(levels()), [](const auto& p) {
  std::string name = p.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace shoal::test
