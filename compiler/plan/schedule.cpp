// The schedule's text both ways, and its legality.
#include "compiler/plan/schedule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <vector>

#include "compiler/support/error.h"

namespace shoal::plan {
namespace {

constexpr std::string_view population_axis_names[] = {"member", "sample", "unit"};

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    size_t begin = text.find_first_not_of(separators);
    if (begin == std::string_view::npos) return parts;
    size_t end = std::min(text.find_first_of(separators, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    text = text.substr(end);
  }
}

constexpr int first_sm_with_tf32 = 80;
constexpr int narrowest_vector = 4;  // elements of SSE2's and NEON's

int64_t positive(std::string_view digits, std::string_view part) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value < 1 || value > 1 << 20)
    throw SpecError("schedule", fmt::format("expected a positive number in '{}', got '{}'", part, digits));
  return value;
}

Spread parse_spread(std::string_view levels, std::string_view part, int* bare_lanes) {
  Spread spread;
  for (std::string_view level : split(levels, ",")) {
    size_t star = level.find('*');
    std::string_view name = level.substr(0, star);
    int extent = star == std::string_view::npos ? 0 : static_cast<int>(positive(level.substr(star + 1), part));
    if (name == "group" && extent == 0) {
      spread.group = true;
    } else if (name == "warp") {
      spread.warp = extent ? extent : 1;
    } else if (name == "lane") {
      spread.lane = extent;
      if (!extent) ++*bare_lanes;
    } else if (name != "loop" || extent) {
      throw SpecError("schedule",
                      fmt::format("'{}' in '{}' is no level; levels are group, warp, lane and loop, and warp and "
                                  "lane may have an extent such as lane*8",
                                  level, part));
    }
  }
  return spread;
}

}  // namespace

Schedule parse_schedule(std::string_view text, int lanes) {
  Schedule schedule;
  schedule.unroll = 4;
  std::set<std::string_view> seen;
  int bare_lanes = 0;
  for (std::string_view part : split(text, " \t\n")) {
    size_t equals = part.find('=');
    std::string_view key = part.substr(0, equals),
                     value = equals == std::string_view::npos ? "" : part.substr(equals + 1);
    if (value.empty())
      throw SpecError("schedule", fmt::format("expected parts such as member=group,lane, got '{}'", part));
    if (!seen.insert(key).second) throw SpecError("schedule", fmt::format("'{}' is given twice", key));
    if (key == "tile") {
      size_t x = value.find('x');
      if (x == std::string_view::npos)
        throw SpecError("schedule", fmt::format("expected a tile such as 4x2, got '{}'", part));
      schedule.tile_sample = static_cast<int>(positive(value.substr(0, x), part));
      schedule.tile_unit = static_cast<int>(positive(value.substr(x + 1), part));
    } else if (key == "chunk") {
      schedule.chunk = positive(value, part);
    } else if (key == "unroll") {
      schedule.unroll = static_cast<int>(positive(value, part));
    } else if (key == "sums") {
      schedule.sums = static_cast<int>(positive(value, part));
    } else if (key == "stash") {
      if (value != "store" && value != "recompute")
        throw SpecError("schedule", fmt::format("expected stash=store or stash=recompute, got '{}'", part));
      schedule.stash = value == "store" ? Stash::store : Stash::recompute;
    } else if (key == "precision") {
      schedule.precision = parse_precision(value, "schedule");
    } else if (key == "member" || key == "sample" || key == "unit") {
      auto axis = key == "member"   ? PopulationAxis::member
                  : key == "sample" ? PopulationAxis::sample
                                    : PopulationAxis::unit;
      schedule[axis] = parse_spread(value, part, &bare_lanes);
    } else {
      throw SpecError(
          "schedule",
          fmt::format("unknown key '{}'; known are member, sample, unit, tile, chunk, unroll, sums, stash and "
                      "precision",
                      key));
    }
  }
  if (bare_lanes > 1)
    throw SpecError("schedule", "two axes take all lanes; give extents such as sample=lane*4 unit=lane*8");
  int named = 1;
  for (const Spread& s : schedule.axes) named *= s.lane ? s.lane : 1;
  for (Spread& s : schedule.axes)
    if (!s.lane) s.lane = std::max(1, lanes / named);
  return schedule;
}

std::string print(const Schedule& schedule) {
  std::string text;
  for (size_t i = 0; i < 3; ++i) {
    const Spread& s = schedule.axes[i];
    std::vector<std::string> levels;
    if (s.group) levels.emplace_back("group");
    if (s.warp > 1) levels.push_back(fmt::format("warp*{}", s.warp));
    if (s.lane > 1) levels.push_back(fmt::format("lane*{}", s.lane));
    if (levels.empty()) levels.emplace_back("loop");
    text += fmt::format("{}={} ", population_axis_names[i], fmt::join(levels, ","));
  }
  text += fmt::format("tile={}x{}", schedule.tile_sample, schedule.tile_unit);
  if (schedule.chunk) text += fmt::format(" chunk={}", schedule.chunk);
  text += fmt::format(" unroll={}", schedule.unroll);
  if (schedule.sums > 1) text += fmt::format(" sums={}", schedule.sums);
  if (schedule.stash == Stash::recompute) text += " stash=recompute";
  if (schedule.precision != Precision::f32) text += fmt::format(" precision={}", precision_name(schedule.precision));
  return text;
}

std::vector<int> vector_widths(int lanes, bool cpu) {
  std::vector<int> widths{lanes};
  while (cpu && widths.back() > narrowest_vector) widths.push_back(widths.back() / 2);
  return widths;
}

bool has_tensor_cores(const Schedule& schedule, int lanes, bool cpu, int sm) {
  return !cpu && sm >= first_sm_with_tf32 && lanes == 32 && !schedule.members_in_lanes();
}

void check_schedule(const Schedule& schedule, int lanes, bool cpu, int sm, int64_t batch) {
  auto refuse = [&](const std::string& why) {
    throw SpecError("schedule", fmt::format("'{}' {}", print(schedule), why));
  };
  if (!schedule[PopulationAxis::member].group) refuse("must spread members over groups: member=group,...");
  if (schedule[PopulationAxis::sample].group || schedule[PopulationAxis::unit].group)
    refuse("spreads samples or units over groups; groups do not share memory, so only members may");
  const std::vector<int> widths = vector_widths(lanes, cpu);
  if (std::find(widths.begin(), widths.end(), schedule.lanes()) == widths.end())
    refuse(fmt::format("uses {} lanes, the target has {}; their product over the axes must be {}", schedule.lanes(),
                       lanes, widths.size() > 1 ? fmt::format("one of {}", fmt::join(widths, ", ")) : "equal"));
  if (cpu && schedule[PopulationAxis::member].warp != 1)
    refuse("spreads members over the threads of a team; on a CPU members go to groups, and samples or units to warps");
  if (schedule.warps() > 32) refuse("has more than 32 warps in a group");
  const bool member_lanes = schedule[PopulationAxis::member].lane > 1;
  if (cpu && member_lanes && !schedule.members_in_lanes())
    refuse("gives lanes to members and also to samples or units; on a CPU a member then lives in one lane");
  if (member_lanes && (schedule[PopulationAxis::sample].warp > 1 || schedule[PopulationAxis::unit].warp > 1))
    refuse("gives lanes to members and also spreads samples or units over warps; a member then lives in one warp");
  if (int64_t{schedule.tile_sample} * schedule.tile_unit * schedule.sums > 64)
    refuse("has a tile of more than 64 accumulators");
  if (schedule.unroll > 8) refuse("unrolls reductions by more than 8");
  if (schedule.unroll % schedule.sums != 0)
    refuse("deals a step of its reductions out unevenly: unroll by a multiple of sums");
  if (schedule.precision != Precision::f32 && cpu)
    refuse("computes on tensor cores, which a CPU does not have: leave out precision");
  if (schedule.precision != Precision::f32 && schedule.members_in_lanes())
    refuse(
        "gives lanes to members, and tensor cores multiply with all lanes of a warp together: leave out precision, "
        "or give lanes to samples and units");
  if (schedule.precision != Precision::f32 && !has_tensor_cores(schedule, lanes, cpu, sm))
    refuse(
        fmt::format("computes on tensor cores for tf32 and bf16, which sm_{} does not have: leave out precision, or "
                    "compile for sm_{} or later",
                    sm, first_sm_with_tf32));
  if (schedule.chunk > batch) refuse(fmt::format("has a chunk larger than the batch of {}", batch));
}

}  // namespace shoal::plan
