// The schedule: how axes are spread over groups, warps, lanes and loops, as one line of text.
//
//   member=group,lane  sample=loop  unit=loop  tile=4x2  chunk=16          CPU: a vector lane per member
//   member=group  sample=loop,lane  unit=loop  tile=2x4                    CPU: a lane per sample
//   member=group  sample=warp*2,lane  unit=loop  tile=2x4                  CPU: two threads share a member's samples
//   member=group,warp,lane  sample=loop  unit=loop                         GPU: a thread per member
//   member=group,lane*4  sample=lane*2  unit=lane*4  tile=4x2              GPU: four members share a warp
//   member=group,warp*4  sample=lane*4  unit=lane*8  tile=8x4              GPU: a warp per member, four to a block
//   member=group  sample=warp*2,lane*4  unit=warp*2,lane*8  tile=8x4       GPU: a block per member
//
// `group` is a CUDA block or a task of the CPU, `warp` a warp or one thread of the team that runs a task together,
// `lane` a thread of the warp or an element of the vector. A level may name its extent (`lane*8`); without one, `lane`
// is what the other axes leave of the target's lanes, and `warp` is 1. `tile=SxU` is the register tile of one thread: S
// steps along sample (or the outer tile axis of a nest), U along unit. `chunk` samples go through the network together
// (default: all). `precision` is how exactly products are computed in contractions: f32 (the default), or on tensor
// cores, whose sums are f32: f32x3 (tf32 in three passes, nearly as exact as f32), tf32 or bf16; each warp then
// computes tiles of 16 x 8 points. `unroll` is the step of reduction loops, and `sums` the number of accumulators among
// which each point of a tile deals it out (default: 1). `stash=recompute`: of what
// a loop over time computes and the loop that goes back through it needs, only sums and carried values are kept, and
// the rest is computed again (default: store, all of it).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/graph/graph.h"

namespace shoal::plan {

enum class PopulationAxis : uint8_t { member, sample, unit };

struct Spread {
  bool group = false;
  int warp = 1;  // warps along this axis
  int lane = 1;  // lanes along this axis
  bool operator==(const Spread&) const = default;
};

enum class Stash : uint8_t { store, recompute };

struct Schedule {
  std::array<Spread, 3> axes;  // by PopulationAxis
  int tile_sample = 4, tile_unit = 2;
  int64_t chunk = 0;  // 0: the whole batch
  int unroll = 4;
  int sums = 1;
  Stash stash = Stash::store;
  Precision precision = Precision::f32;
  bool operator==(const Schedule&) const = default;

  const Spread& operator[](PopulationAxis a) const { return axes[static_cast<size_t>(a)]; }
  Spread& operator[](PopulationAxis a) { return axes[static_cast<size_t>(a)]; }
  int warps() const { return axes[0].warp * axes[1].warp * axes[2].warp; }
  int lanes() const { return axes[0].lane * axes[1].lane * axes[2].lane; }
  int lanes_of_member() const { return axes[1].lane * axes[2].lane; }
  // Which the number of members is padded to a multiple of.
  int members_of_group() const { return axes[0].warp * axes[0].lane; }
  // Every lane has a member of its own.
  bool members_in_lanes() const { return axes[0].lane > 1 && lanes_of_member() == 1; }
};

// The lanes that a schedule may use of a target with `lanes` lanes, the most first: all of a GPU's, or on a CPU also
// half a vector, down to four elements.
std::vector<int> vector_widths(int lanes, bool cpu);

// Throws SpecError (place "schedule") that quotes the part it does not understand. `lanes` is the target's: a bare
// `lane` takes all of them.
Schedule parse_schedule(std::string_view text, int lanes);
std::string print(const Schedule&);

// The legality table: what a schedule must satisfy on a target with `lanes` lanes, `cpu` or not, for batch B. `sm`: of
// a GPU, 80 for sm_80.
// Throws SpecError (place "schedule") that says what to change.
void check_schedule(const Schedule&, int lanes, bool cpu, int sm, int64_t batch);
// Whether a schedule may have a precision other than f32 on the target; what check_schedule() asks, as a question.
bool has_tensor_cores(const Schedule&, int lanes, bool cpu, int sm);

}  // namespace shoal::plan
