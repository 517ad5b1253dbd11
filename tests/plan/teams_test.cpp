// Teams among the candidates: only where members leave workers idle, only where threads can be had at the same time;
// and the prediction counts their barriers.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "compiler/plan/choose.h"
#include "tests/plan/plans.h"

namespace shoal::test {
namespace {

using plan::Candidate;
using plan::Machine;
using plan::PopulationAxis;

Machine machine_of(int workers, bool teams) {
  Machine machine;
  machine.workers = workers, machine.teams = teams;
  return machine;
}

// The numbers of threads of the candidates' teams, in order.
std::string team_sizes(int64_t members, int workers, bool teams = true) {
  std::string sizes;
  for (const Candidate& c : plan::candidates(square_layer(32), members, machine_of(workers, teams)))
    if (c.schedule.warps() > 1) sizes += std::to_string(c.schedule.warps()) + " ";
  return sizes;
}

TEST(Teams, AreCandidatesWhereMembersLeaveWorkersIdle) {
  EXPECT_EQ(team_sizes(1, 2), "2 ");
  EXPECT_EQ(team_sizes(4, 2), "2 ");
  EXPECT_EQ(team_sizes(8, 2), "");
  EXPECT_EQ(team_sizes(4, 16), "4 16 ");
  EXPECT_EQ(team_sizes(1, 64), "16 ");
  EXPECT_EQ(team_sizes(1, 1), "");
  EXPECT_EQ(team_sizes(1, 8, false), "");  // a job system promises no two threads at the same time
}

// Of 96 samples each of four threads has a tile of three vectors of eight.
TEST(Teams, ShareSamplesWhereThereIsATileForEachElseUnits) {
  auto share = [](int batch, PopulationAxis axis) {
    int most = 1;
    for (const Candidate& c : plan::candidates(square_layer(batch), 1, machine_of(4, true)))
      most = std::max(most, c.schedule[axis].warp);
    return most;
  };
  EXPECT_EQ(share(96, PopulationAxis::sample), 4);
  EXPECT_EQ(share(96, PopulationAxis::unit), 1);
  EXPECT_EQ(share(95, PopulationAxis::sample), 1);
  EXPECT_EQ(share(95, PopulationAxis::unit), 4);
}

TEST(Teams, CostTheirBarriersAndSplitTheRest) {
  Candidate alone{{}, "alone", 0}, team = alone;
  team.schedule[PopulationAxis::sample].warp = 2;
  const Machine machine = machine_of(2, true);
  auto ns = [&](const Candidate& c, double cycles, int64_t groups, double barriers, bool steps) {
    return plan::predict(c, {.groups = groups, .barriers = barriers, .steps = steps, .cycles = cycles}, machine).ns;
  };
  EXPECT_DOUBLE_EQ(ns(team, 500, 1, 0, true), ns(alone, 1000, 1, 0, true) / 2);
  EXPECT_GT(ns(team, 500, 1, 10, true), ns(team, 500, 1, 0, true) + 1000);
  EXPECT_DOUBLE_EQ(ns(alone, 1000, 3, 0, true), ns(alone, 1000, 1, 0, true) * 1.5);  // the last group is shared in turn
  EXPECT_DOUBLE_EQ(ns(team, 1000, 3, 0, true), ns(team, 1000, 1, 0, true) * 3);
  // A single step is not shared in turn, and its launch wakes the other worker.
  const double woken = ns(alone, 1000, 2, 0, false) - ns(alone, 1000, 1, 0, false);
  EXPECT_GT(woken, 0);
  EXPECT_DOUBLE_EQ(ns(alone, 1000, 3, 0, false), ns(alone, 1000, 1, 0, true) * 2 + woken);
}

}  // namespace
}  // namespace shoal::test
