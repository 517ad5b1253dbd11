// Values in memory are intact whenever a nest reads them: every plan is walked nest by nest, each loop twice.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/passes/passes.h"
#include "tests/harness/random_graph.h"
#include "tests/ops/op_harness.h"
#include "tests/plan/plans.h"

namespace shoal::test {
namespace {

using plan::Nest;
using plan::Place;
using plan::Plan;

bool overlap(const Plan& plan, size_t a, size_t b) {
  const Place &p = plan.places[a], &q = plan.places[b];
  return plan.values[a].argument < 0 && plan.values[b].argument < 0 && p.kind == q.kind &&
         p.kind != Place::Kind::registers && p.offset < q.offset + q.size && q.offset < p.offset + p.size;
}

// Remembers whose elements stand in memory. A store to a part of a value (one chunk, one moment of time) renews the
// value only in the first round of the loop; whatever overwrites its memory before the next reading spoils it.
class Walk {
 public:
  explicit Walk(const Plan& plan) : plan_(plan), made_(plan.values.size()), spoilt_by_(plan.values.size()) {}

  std::vector<std::string> run() {
    for (int step = 0; step < (plan_.steps ? 2 : 1); ++step) {
      for (size_t n = 0; n < plan_.nests.size();) {
        size_t end = n;
        while (end < plan_.nests.size() && plan_.nests[end].region == plan_.nests[n].region) ++end;
        for (int chunk = 0; chunk < (plan_.nests[n].region % 2 ? 2 : 1); ++chunk) region(n, end, chunk);
        n = end;
      }
    }
    return problems_;
  }

 private:
  void region(size_t begin, size_t end, int chunk) {
    for (size_t n = begin; n < end;) {
      size_t last = n + 1;
      while (plan_.nests[n].loop >= 0 && last < end && plan_.nests[last].loop == plan_.nests[n].loop) ++last;
      for (int moment = 0; moment < (plan_.nests[n].loop >= 0 ? 2 : 1); ++moment)
        for (size_t k = n; k < last; ++k) nest(plan_.nests[k], chunk, moment);
      n = last;
    }
  }

  void nest(const Nest& nest, int chunk, int moment) {
    for (const plan::Scalar& s : nest.body)
      if (s.kind == plan::Scalar::Kind::load) read(nest, s.access.value);
    for (const plan::Store& store : nest.stores) {
      size_t v = static_cast<size_t>(store.access.value);
      if (nest.over_chunks) read(nest, store.access.value);
      bool at_moment = std::ranges::any_of(store.access.dims, [](const plan::Index& index) {
        return std::ranges::any_of(index.terms, [](const plan::Term& t) { return t.axis == plan::time_axis; });
      });
      bool of_chunk = nest.region % 2 && plan_.values[v].varies.sample && plan_.places[v].sample_extent > plan_.chunk;
      bool later_part = (at_moment && moment > 0) || (of_chunk && chunk > 0);
      if (!later_part) spoilt_by_[v].clear();
      made_[v] = true;
      for (size_t u = 0; u < plan_.values.size(); ++u)
        if (u != v && overlap(plan_, u, v)) spoilt_by_[u] = nest.name;
    }
  }

  void read(const Nest& nest, int32_t value) {
    size_t v = static_cast<size_t>(value);
    if (plan_.values[v].argument >= 0) return;
    if (!made_[v])
      problems_.push_back(fmt::format("'{}' reads '{}' before it is made", nest.name, plan_.values[v].name));
    if (!spoilt_by_[v].empty())
      problems_.push_back(
          fmt::format("'{}' reads '{}', which '{}' overwrote", nest.name, plan_.values[v].name, spoilt_by_[v]));
  }

  const Plan& plan_;
  std::vector<bool> made_;
  std::vector<std::string> spoilt_by_;
  std::vector<std::string> problems_;
};

void expect_well_placed(const Plan& plan) {
  const std::vector<std::string> problems = Walk(plan).run();
  EXPECT_TRUE(problems.empty()) << fmt::format("{}", fmt::join(problems, "\n")) << "\n" << print(plan);
  for (size_t v = 0; v < plan.values.size(); ++v) {
    const Place& place = plan.places[v];
    if (plan.values[v].argument >= 0 || place.first_nest < 0 || place.kind == Place::Kind::registers) continue;
    int64_t room = place.kind == Place::Kind::shared ? plan.shared_size : plan.scratch_size;
    EXPECT_GE(place.offset, 0) << plan.values[v].name;
    EXPECT_LE(place.offset + place.size, room) << plan.values[v].name;
  }
}

class Placement : public testing::TestWithParam<harness::Mapping> {};

TEST_P(Placement, NothingIsOverwrittenThatIsStillRead) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = harness::random_graph(seed, 5);
    for (int64_t shared_bytes : {int64_t{1} << 30, int64_t{2048}})
      expect_well_placed(plan_for(graph, GetParam(), shared_bytes));
  }
}

// The layers that loop over time among them.
TEST_P(Placement, NothingIsOverwrittenInTheGradientsOfAnyLayer) {
  int loops = 0;
  for (const OpInfo& info : all_ops()) {
    if (info.kind != OpKind::layer) continue;
    for (const OpSample& sample : info.samples()) {
      SCOPED_TRACE(sample.op->text());
      const Graph graph = layer_graph(dynamic_cast<const Layer&>(*sample.op), sample.inputs, 7).graph;
      const Plan plan = plan_for(dce(cse(fold(graph))), GetParam());
      expect_well_placed(plan);
      loops += !plan.loops.empty();
    }
  }
  EXPECT_GT(loops, 0);
}

TEST_P(Placement, WhatDoesNotFitInSharedMemoryGoesToScratch) {
  const Graph graph = harness::random_graph(3, 4);
  const Plan roomy = plan_for(graph, GetParam()), tight = plan_for(graph, GetParam(), 0);
  EXPECT_EQ(roomy.scratch_size, 0);
  EXPECT_GT(roomy.shared_size, 0);
  EXPECT_EQ(tight.shared_size, 0);
  EXPECT_GT(tight.scratch_size, 0);
  EXPECT_NE(tight.why.find("do not fit in shared memory"), std::string::npos) << tight.why;
}

INSTANTIATE_TEST_SUITE_P(Mappings, Placement, testing::ValuesIn(harness::all_mappings()),
                         [](const auto& p) { return p.param.name; });

// A plan whose lifetimes are wrong is found by the walk, so the tests above can fail.
TEST(Placement, TheWalkFindsAPlantedOverlap) {
  Plan plan = plan_for(harness::random_graph(3, 4), "member=group,lane");
  ASSERT_TRUE(Walk(plan).run().empty());
  for (Place& place : plan.places) place.offset = 0;
  EXPECT_FALSE(Walk(plan).run().empty());
}

}  // namespace
}  // namespace shoal::test
