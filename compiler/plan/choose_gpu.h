// choose for GPUs: schedules worth lowering, and what each one's kernel means in time, from counts and constants alone.
//
// The model is a multiprocessor whose busiest resource sets the pace while members hide each other's latencies, and
// one group's own latency while they do not. compiler/rank_gpu.cpp drives it.
#pragma once

#include <string>
#include <vector>

#include "compiler/plan/gpu_machine.h"
#include "compiler/plan/schedule.h"

namespace shoal::plan {

struct GpuCandidate {
  Schedule schedule;
  std::string name;  // "4 members a warp"
};

// At least one; the first one serves every graph.
std::vector<GpuCandidate> gpu_candidates(const Graph& graph, int64_t members, const GpuMachine& machine);

// What a candidate's kernel does in one step, of one warp, and what its groups hold on the chip.
struct GpuWork {
  double issued = 0, floats = 0, integers = 0, special = 0;  // warp instructions
  double shared_merge = 0, shared_return = 0;                // cycles of shared memory, in two models of wide loads
  double mma = 0;                                            // products of tensor cores
  double near_bytes = 0;                                     // of L2
  double far_bytes = 0;                                      // of device memory: a member's share of a launch
  double barriers = 0, rounds = 0;                           // at each of which a lone group waits for memory
  int warps = 1, members = 1;                                // of a group
  int registers = 32;                                        // of a thread
  int64_t shared_bytes = 0;                                  // of a group
  int64_t groups = 1;
};

struct GpuPrediction {
  double ns = 0;          // of one step of the population, in the model "merge"
  double ns_return = 0;   // and in "return"
  double members = 0;     // resident on a multiprocessor
  std::string limit;      // the resource that sets the pace
  std::string residents;  // what limits `members`
};
GpuPrediction predict_gpu(const GpuWork& work, const GpuMachine& machine);

}  // namespace shoal::plan
