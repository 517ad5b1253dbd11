// NVIDIA architectures as compile targets: what is known about each sm number without having the device.
#pragma once

#include "compiler/compile.h"

namespace shoal::cuda {

// The target of sm_`sm`, with the multiprocessors and caches of its largest common board. An sm between two known ones
// of the same family (87, 103, 121) gets the lower one's figures. Throws SpecError for anything else.
Target cuda_target(int sm);

}  // namespace shoal::cuda
