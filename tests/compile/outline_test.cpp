// Outlines and origins: what a cache keeps of a module comes back whole or not at all, and whatever can change a module
// changes its origin.
#include "compiler/outline.h"

#include <gtest/gtest.h>

#include <functional>

#include "compiler/graph/text.h"

namespace shoal {
namespace {

const std::string graph_text = R"(graph twice batch=4
x = input(name="x", shape=[8], varies=sample)
w = input(name="w", role=parameter, shape=[8, 8], varies=member)
h = contract(x, w, a="k", b="ok", out="o")
y = max(h, 0)
out y = y
)";

TEST(Outline, HoldsAllButTheTexts) {
  Target target;
  target.cpu = {.cpu = "x86-64-v3", .features = "+avx2,+fma"};
  target.workers = 7;
  const Module m = compile(parse_graph(graph_text), target, {.members = 21, .schedule = ""});
  const std::optional<Module> back = decode_outline(encode_outline(m));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->schedule, m.schedule);
  EXPECT_EQ(back->why, m.why);
  EXPECT_EQ(back->target.cpu.features, m.target.cpu.features);
  EXPECT_EQ(back->target.workers, 7);
  ASSERT_EQ(back->arguments.size(), 3u);
  EXPECT_EQ(back->arguments[1].name, "w");
  EXPECT_EQ(back->arguments[1].role, Role::parameter);
  EXPECT_EQ(back->arguments[1].shape, (Shape{8, 8}));
  EXPECT_EQ(back->arguments[1].elements(24), m.arguments[1].elements(24));
  EXPECT_EQ(back->scalars, m.scalars);
  EXPECT_EQ(back->members, 21);
  EXPECT_EQ(back->member_multiple, m.member_multiple);
  EXPECT_EQ(back->groups, m.groups);
  EXPECT_EQ(back->per_step.fma, m.per_step.fma);
  EXPECT_EQ(back->kernel.lanes, m.kernel.lanes);
  EXPECT_EQ(back->kernel.shared_elements, m.kernel.shared_elements);
  ASSERT_EQ(back->kernel.buffers.size(), m.kernel.buffers.size());
  EXPECT_EQ(back->kernel.buffers[1].size, m.kernel.buffers[1].size);
  EXPECT_EQ(back->source + back->plan_text + back->kernel.header, "");
  EXPECT_TRUE(back->kernel.code.empty());
  EXPECT_EQ(encode_outline(*back), encode_outline(m)) << "what is decoded is what was encoded";
}

TEST(Outline, CutOffOrFollowedBySomethingItIsNone) {
  const Module m = compile(parse_graph(graph_text), Target(), {.members = 3, .schedule = ""});
  const std::string good = encode_outline(m);
  for (size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(decode_outline(good.substr(0, size))) << size;
  EXPECT_FALSE(decode_outline(good + '\0'));
  // Lengths that no memory could hold are refused, not allocated.
  for (size_t at = 0; at + 8 <= good.size(); ++at) decode_outline(std::string(good).replace(at, 8, 8, '\x7f'));
}

TEST(Origin, WhateverCanChangeTheModuleChangesIt) {
  const Graph graph = parse_graph(graph_text);
  const Target target;
  const Options options{.members = 3, .schedule = ""};
  const std::string origin = origin_of(graph, target, options);
  EXPECT_EQ(origin_of(parse_graph(graph_text), Target(), options), origin);
  EXPECT_EQ(build_id().size(), 32u);
  EXPECT_NE(origin_of(graph, target, options, "another build"), origin);
  EXPECT_NE(origin_of(graph, target, {.members = 4, .schedule = ""}), origin);
  EXPECT_NE(origin_of(graph, target, {.members = 3, .schedule = "member=group*8,lane"}), origin);
  const std::vector<std::function<void(Target&)>> changes = {
      [](Target& t) { t.kind = Target::Kind::cuda; },
      [](Target& t) { t.lanes = 4; },
      [](Target& t) { t.cpu.cpu = "znver3"; },
      [](Target& t) { t.cpu.features = "+avx"; },
      [](Target& t) { t.cpu.triple = "aarch64"; },
      [](Target& t) { t.sm = 90; },
      [](Target& t) { ++t.l1_bytes; },
      [](Target& t) { ++t.l2_bytes; },
      [](Target& t) { ++t.shared_bytes; },
      [](Target& t) { ++t.registers; },
      [](Target& t) { ++t.workers; },
      [](Target& t) { t.teams = !t.teams; },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    Target other = target;
    changes[i](other);
    EXPECT_NE(origin_of(graph, other, options), origin) << i;
  }
  for (const auto& [from, to] : {std::pair{"batch=4", "batch=5"},
                                 {"batch=4", "batch=4 precision=tf32"},
                                 {"batch=4", "batch=4 fast_math"},
                                 {"twice", "thrice"},
                                 {"max(h, 0)", "max(h, 1)"}}) {
    std::string text = graph_text;
    text.replace(text.find(from), std::string(from).size(), to);
    EXPECT_NE(origin_of(parse_graph(text), target, options), origin) << to;
  }
}

}  // namespace
}  // namespace shoal
