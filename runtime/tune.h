// tune: measures the schedules that choose likes best, and remembers the fastest.
#pragma once

#include <cstdint>
#include <string>

#include "compiler/programs/programs.h"
#include "runtime/device.h"
#include "runtime/kernel_cache.h"

namespace shoal::runtime {

struct Tuned {
  std::string schedule;     // as text: given by hand it gives the same results, bit for bit
  bool remembered = false;  // from an earlier time; nothing was measured
  std::string report;       // for people, one line for each schedule measured and one for the outcome
};

// The fastest of the best few candidates for `members` on the device, on populations of tune's own, one at a time,
// which need the memory of one more population. Takes about half a second for each of them, and their compile time.
// `memory` (may be null) keeps the outcome under a key of the program, the members, the target and the machine; an
// entry that is damaged, or names a schedule that no longer serves, is as none. Throws what compiling and loading
// throw.
Tuned tune(Device&, int64_t members, const Program&, KernelCache* memory);

}  // namespace shoal::runtime
