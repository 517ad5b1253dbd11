// The candidates of choose: none twice, variations of each, and as many lanes as samples and members can fill.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "compiler/plan/choose.h"
#include "tests/plan/plans.h"

namespace shoal::test {
namespace {

using plan::Candidate;
using plan::Machine;
using testing::ElementsAre;

Machine machine_of(int lanes) {
  Machine machine;
  machine.lanes = lanes, machine.workers = 2, machine.teams = true;
  return machine;
}

TEST(Candidates, DifferFromEachOtherAndFromTheirVariations) {
  for (const int64_t members : {1, 3, 64})
    for (const int batch : {1, 5, 32}) {
      const Graph graph = square_layer(batch);
      std::vector<Candidate> all = plan::candidates(graph, members, machine_of(16));
      size_t varied = 0;
      for (size_t c = 0, bases = all.size(); c < bases; ++c)
        for (Candidate& v : plan::variations(all[c], graph, machine_of(16))) {
          EXPECT_TRUE(v.optional) << v.name;
          EXPECT_EQ(v.schedule.lanes(), all[c].schedule.lanes()) << v.name;
          all.push_back(v), ++varied;
        }
      EXPECT_GT(varied, 0u);
      std::set<std::string> texts;
      for (const Candidate& c : all) EXPECT_TRUE(texts.insert(print(c.schedule)).second) << c.name;
    }
}

TEST(Candidates, WiderOnesHoldTheOthersAndTheirVariations) {
  const Graph graph = square_layer(32);
  const std::vector<Candidate> few = plan::candidates(graph, 4, machine_of(16));
  const std::vector<Candidate> all = plan::wider_candidates(graph, 4, machine_of(16));
  const auto expect_held = [&](const Candidate& c) {
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const Candidate& o) { return o.schedule == c.schedule; }))
        << c.name;
  };
  for (const Candidate& c : few) {
    expect_held(c);
    for (const Candidate& v : plan::variations(c, graph, machine_of(16))) expect_held(v);
  }
  EXPECT_GT(all.size(), few.size());
}

// The numbers of lanes of the candidates.
std::set<int> lanes_of(int batch, int64_t members, int lanes) {
  std::set<int> found;
  for (const Candidate& c : plan::candidates(square_layer(batch), members, machine_of(lanes)))
    found.insert(c.schedule.lanes());
  return found;
}

TEST(Candidates, HaveFewerLanesWhereVectorsAreWideOrWouldBeEmpty) {
  EXPECT_THAT(lanes_of(32, 1000, 16), ElementsAre(8, 16));
  EXPECT_THAT(lanes_of(32, 1000, 8), ElementsAre(8));
  EXPECT_THAT(lanes_of(32, 1000, 4), ElementsAre(4));
  EXPECT_THAT(lanes_of(4, 1000, 8), ElementsAre(8));
  EXPECT_THAT(lanes_of(4, 3, 8), ElementsAre(4, 8));
  EXPECT_THAT(lanes_of(4, 3, 16), ElementsAre(4, 8, 16));
}

}  // namespace
}  // namespace shoal::test
