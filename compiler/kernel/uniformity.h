// Uniformity: in which sets of threads a value is the same, and which threads run an instruction together.
#pragma once

#include <vector>

#include "compiler/kernel/kernel.h"

namespace shoal::kernel {

// The largest set of threads in which something is the same; later ones are smaller, so max joins.
enum class Extent : uint8_t { group, warp, thread };

struct Uniformity {
  std::vector<Extent> value;  // of each instruction's value; of a var the join of all it is ever set to
  std::vector<Extent>
      control;  // group: all threads of the group run it together; warp: all of a warp; thread: any subset
};

// Needs well-formed brackets and operands. A load at an index that is the same in some threads gives them the same
// value.
Uniformity uniformity(const Kernel&);

// The lane for which alone a predicate holds, where it names one; else -1.
int32_t only_lane(const Kernel&, int32_t pred);

}  // namespace shoal::kernel
