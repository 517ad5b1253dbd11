// The schedule's text both ways, and each rule of its legality with its exact message.
#include "compiler/plan/schedule.h"

#include <gtest/gtest.h>

#include "compiler/support/error.h"
#include "tests/harness/mappings.h"

namespace shoal::plan {
namespace {

template <typename F>
std::string error_of(F f) {
  try {
    f();
  } catch (const SpecError& error) {
    EXPECT_EQ(error.place, "schedule");
    return error.what();
  }
  return "accepted";
}

TEST(Schedule, PrintsInFullAndComesBack) {
  EXPECT_EQ(print(parse_schedule("member=group,lane", 8)),
            "member=group,lane*8 sample=loop unit=loop tile=4x2 unroll=4");
  EXPECT_EQ(print(parse_schedule("member=group sample=lane*4 unit=lane tile=2x3 chunk=5 unroll=1", 32)),
            "member=group sample=lane*4 unit=lane*8 tile=2x3 chunk=5 unroll=1");
  EXPECT_EQ(print(parse_schedule("member=group,lane stash=recompute", 8)),
            "member=group,lane*8 sample=loop unit=loop tile=4x2 unroll=4 stash=recompute");
  EXPECT_EQ(print(parse_schedule("member=group,lane stash=store", 8)),
            "member=group,lane*8 sample=loop unit=loop tile=4x2 unroll=4");
  EXPECT_EQ(print(parse_schedule("unit=warp*2,lane*8\tmember=group,warp\n", 32)),
            "member=group sample=loop unit=warp*2,lane*8 tile=4x2 unroll=4");
  EXPECT_EQ(print(parse_schedule("member=group,lane sums=2 tile=1x1 unroll=8", 8)),
            "member=group,lane*8 sample=loop unit=loop tile=1x1 unroll=8 sums=2");
  for (const harness::Mapping& mapping : harness::all_mappings()) {
    Schedule schedule = parse_schedule(mapping.schedule, harness::target_for(mapping).lanes);
    EXPECT_EQ(parse_schedule(print(schedule), 1), schedule) << mapping.name;
    EXPECT_EQ(schedule.lanes(), harness::target_for(mapping).lanes) << mapping.name;
  }
}

struct Bad {
  std::string text, message;
};

TEST(Schedule, EachTextThatIsNoneHasItsMessage) {
  const std::vector<Bad> cases = {
      {"member", "schedule: expected parts such as member=group,lane, got 'member'"},
      {"tile=", "schedule: expected parts such as member=group,lane, got 'tile='"},
      {"tile=2x2 tile=3x3", "schedule: 'tile' is given twice"},
      {"tile=4", "schedule: expected a tile such as 4x2, got 'tile=4'"},
      {"tile=4x", "schedule: expected a positive number in 'tile=4x', got ''"},
      {"tile=0x2", "schedule: expected a positive number in 'tile=0x2', got '0'"},
      {"chunk=-3", "schedule: expected a positive number in 'chunk=-3', got '-3'"},
      {"unroll=2.5", "schedule: expected a positive number in 'unroll=2.5', got '2.5'"},
      {"chunk=99999999999999999999",
       "schedule: expected a positive number in 'chunk=99999999999999999999', got '99999999999999999999'"},
      {"layer=lane",
       "schedule: unknown key 'layer'; known are member, sample, unit, tile, chunk, unroll, sums, stash "
       "and precision"},
      {"stash=keep", "schedule: expected stash=store or stash=recompute, got 'stash=keep'"},
      {"member=thread",
       "schedule: 'thread' in 'member=thread' is no level; levels are group, warp, lane and loop, and warp and lane "
       "may "
       "have an extent such as lane*8"},
      {"member=group*8",
       "schedule: 'group*8' in 'member=group*8' is no level; levels are group, warp, lane and loop, and warp and lane "
       "may have an extent such as lane*8"},
      {"precision=f16", "schedule: expected f32, f32x3, tf32 or bf16, got 'f16'"},
      {"sample=lane unit=lane", "schedule: two axes take all lanes; give extents such as sample=lane*4 unit=lane*8"},
  };
  for (const Bad& bad : cases) EXPECT_EQ(error_of([&] { parse_schedule(bad.text, 32); }), bad.message);
}

TEST(Schedule, EachRuleOfLegalityHasItsMessage) {
  struct Illegal {
    std::string text;
    bool cpu;
    std::string message;
  };
  const std::vector<Illegal> cases = {
      {"sample=lane", true, "must spread members over groups: member=group,..."},
      {"member=group sample=group,lane", true,
       "spreads samples or units over groups; groups do not share memory, so only members may"},
      {"member=group unit=group,lane", true,
       "spreads samples or units over groups; groups do not share memory, so only members may"},
      {"member=group sample=lane*2", true,
       "uses 2 lanes, the target has 8; their product over the axes must be one of 8, 4"},
      {"member=group sample=lane*16", true,
       "uses 16 lanes, the target has 8; their product over the axes must be one of 8, 4"},
      {"member=group sample=lane*6", true,
       "uses 6 lanes, the target has 8; their product over the axes must be one of 8, 4"},
      {"member=group sample=lane*16", false,
       "uses 16 lanes, the target has 32; their product over the axes must be equal"},
      {"member=group,warp*2,lane", true,
       "spreads members over the threads of a team; on a CPU members go to groups, and samples or units to warps"},
      {"member=group,warp*33,lane", false, "has more than 32 warps in a group"},
      {"member=group,lane*4 sample=lane*2", true,
       "gives lanes to members and also to samples or units; on a CPU a member then lives in one lane"},
      {"member=group,lane unit=warp*2", false,
       "gives lanes to members and also spreads samples or units over warps; a member then lives in one warp"},
      {"member=group,lane*4 sample=lane*8,warp*2", false,
       "gives lanes to members and also spreads samples or units over warps; a member then lives in one warp"},
      {"member=group,lane tile=13x5", true, "has a tile of more than 64 accumulators"},
      {"member=group,lane unroll=9", true, "unrolls reductions by more than 8"},
      {"member=group,lane tile=4x4 unroll=8 sums=8", true, "has a tile of more than 64 accumulators"},
      {"member=group,lane unroll=6 sums=4", true,
       "deals a step of its reductions out unevenly: unroll by a multiple of sums"},
      {"member=group,lane precision=tf32", true,
       "computes on tensor cores, which a CPU does not have: leave out precision"},
      {"member=group,lane precision=bf16", false,
       "gives lanes to members, and tensor cores multiply with all lanes of a warp together: leave out precision, or "
       "give lanes to samples and units"},
      {"member=group,lane chunk=17", true, "has a chunk larger than the batch of 16"},
  };
  for (const Illegal& bad : cases) {
    const int lanes = bad.cpu ? 8 : 32;
    const Schedule schedule = parse_schedule(bad.text, lanes);
    EXPECT_EQ(error_of([&] { check_schedule(schedule, lanes, bad.cpu, 80, 16); }),
              "schedule: '" + print(schedule) + "' " + bad.message);
  }
  const Schedule products = parse_schedule("member=group sample=lane precision=f32x3", 32);
  EXPECT_EQ(error_of([&] { check_schedule(products, 32, false, 75, 16); }),
            "schedule: '" + print(products) +
                "' computes on tensor cores for tf32 and bf16, which sm_75 does not have: leave out precision, or "
                "compile for sm_80 or later");
  EXPECT_EQ(error_of([&] { check_schedule(products, 32, false, 80, 16); }), "accepted");
  // Just inside each bound.
  for (std::string text :
       {"member=group,lane tile=16x4", "member=group,lane unroll=8", "member=group,lane chunk=16",
        "member=group,lane tile=4x2 unroll=8 sums=8", "member=group,lane*4", "member=group sample=lane*2 unit=lane*2"})
    EXPECT_EQ(error_of([&] { check_schedule(parse_schedule(text, 8), 8, true, 80, 16); }), "accepted") << text;
  EXPECT_EQ(error_of([] { check_schedule(parse_schedule("member=group,warp*32,lane", 32), 32, false, 80, 16); }),
            "accepted");
}

}  // namespace
}  // namespace shoal::plan
