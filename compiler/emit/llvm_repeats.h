// Finds loops of a kernel that are equal but for their buffers and for values from outside: the nests of equal layers.
// One function can serve them all, and is compiled once.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "compiler/emit/llvm_facts.h"
#include "compiler/kernel/kernel.h"

namespace shoal::emit::ir {

// A loop that has equals. One of them is the model of all: itself, with nothing to translate.
struct Repeat {
  int32_t model = -1;                  // instruction that opens the model
  std::map<int32_t, int32_t> values;   // of the model's values from outside: what stands in their place here
  std::map<int32_t, int32_t> buffers;  // of the model's buffers: those here
};

// By the instruction that opens the loop. None contains another. They touch no mutable register from outside, and all
// threads run them; where many registers hold values across such a loop it is left where it is, as a call would spill
// them.
std::map<int32_t, Repeat> find_repeats(const kernel::Kernel&, const Facts&);

}  // namespace shoal::emit::ir
