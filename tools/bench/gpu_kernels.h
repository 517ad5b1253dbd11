// Hand-written CUDA kernels that show what a GPU can do at most.
#pragma once

#include "runtime/device.h"

namespace shoal::bench {

// Each takes the scalar `rounds`.

constexpr int fma_per_round = 128;  // of one thread
Module gpu_fma(const Target&);      // buffers: out

constexpr int copied_floats = 4;  // of a thread, in 16 bytes
Module gpu_copy(const Target&);   // buffers: from, to; scalar `rounds`: blocks of 1024 floats to copy

// 16-byte loads from shared memory, `loads_per_round` a thread and round, in which groups of lanes read one address.
enum class SharedLoads : uint8_t { distinct, neighbours_share, every_other_shares, all_share };
constexpr int loads_per_round = 32;
Module gpu_shared_loads(const Target&, SharedLoads);  // buffers: out

}  // namespace shoal::bench
