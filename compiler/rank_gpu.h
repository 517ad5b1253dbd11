// rank for GPUs: lowers the candidates of plan/choose_gpu.h, predicts each one's time, and takes the fastest.
#pragma once

#include "compiler/rank.h"

namespace shoal {

// The reasons say what each candidate would take, what limits it, and by how much it loses.
Choice choose_gpu_schedule(const Graph&, const Target&, int64_t members);

}  // namespace shoal
