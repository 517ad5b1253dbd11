// The schedules that every network must serve, with awkward tiles and chunks among them.
#pragma once

#include <string>
#include <vector>

#include "compiler/compile.h"

namespace shoal::harness {

struct Mapping {
  std::string name;
  bool cpu;
  std::string schedule;
};

inline const std::vector<Mapping>& all_mappings() {
  static const std::vector<Mapping> mappings = {
      {"lane_per_member", true, "member=group,lane tile=4x2"},
      {"lane_per_member_chunks", true, "member=group,lane tile=3x2 chunk=3 unroll=3"},
      {"lane_per_sample", true, "member=group sample=lane tile=3x4"},
      {"lane_per_sample_chunks", true, "member=group sample=lane tile=1x3 chunk=4 unroll=1 stash=recompute"},
      {"lane_per_unit", true, "member=group unit=lane tile=2x4 sums=2 stash=recompute"},
      {"team_over_samples", true, "member=group sample=warp*2,lane tile=2x4"},
      {"team_over_samples_chunks", true, "member=group sample=warp*3,lane tile=1x3 chunk=4 unroll=1"},
      {"team_over_units", true, "member=group sample=lane unit=warp*2 tile=2x4"},
      {"team_over_both", true, "member=group sample=warp*2 unit=warp*2,lane tile=2x2"},
      {"thread_per_member", false, "member=group,warp*2,lane tile=2x2"},
      {"warp_per_member", false, "member=group,warp*2 sample=lane*4 unit=lane*8 tile=4x2 chunk=3 stash=recompute"},
      {"members_share_warp", false, "member=group,lane*4 sample=lane*2 unit=lane*4 tile=4x2"},
      {"members_share_warps", false, "member=group,warp*2,lane*2 sample=lane*16 tile=2x4"},
      {"tensor_cores", false, "member=group,warp*2 sample=lane*4 unit=lane*8 tile=4x8 precision=f32x3"},
      {"tensor_cores_chunks", false, "member=group sample=warp*2,lane*4 unit=lane*8 tile=2x4 chunk=5 precision=f32x3"},
      {"block_per_member", false, "member=group sample=warp*2,lane*4 unit=warp*2,lane*8 tile=2x2 sums=4"},
  };
  return mappings;
}

// The mapping's schedule for a graph: a chunk that is larger than the batch is left out.
inline std::string schedule_for(const Mapping& mapping, const Graph& graph) {
  size_t at = mapping.schedule.find(" chunk=");
  if (at == std::string::npos || std::stoll(mapping.schedule.substr(at + 7)) <= graph.batch) return mapping.schedule;
  size_t end = mapping.schedule.find(' ', at + 1);
  return mapping.schedule.substr(0, at) + (end == std::string::npos ? "" : mapping.schedule.substr(end));
}

inline Target target_for(const Mapping& mapping) {
  Target target;
  target.kind = mapping.cpu ? Target::Kind::cpu : Target::Kind::cuda;
  target.lanes = mapping.cpu ? 8 : 32;
  target.cpu = {"x86-64-v3", "+avx,+avx2,+fma,+sse4.1", "x86_64-unknown-linux-gnu"};
  return target;
}

inline std::vector<Mapping> cuda_mappings() {
  std::vector<Mapping> mappings;
  for (const Mapping& mapping : all_mappings())
    if (!mapping.cpu) mappings.push_back(mapping);
  return mappings;
}

}  // namespace shoal::harness
