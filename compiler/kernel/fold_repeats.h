// Folds stretches of a kernel that are equal but for where their shared arrays stand into one loop over them: the nests
// of equal layers, which a compiler then reads once.
#pragma once

#include "compiler/kernel/kernel.h"

namespace shoal::kernel {

// A stretch goes from a barrier to the next one of the same bracket; the last of a run may end earlier. Three or more
// in a row become a loop where the offset of each shared array grows by the same number of elements from one to the
// next (a multiple of 4, so that wide accesses stay aligned), all else is equal, and no value of theirs is used behind
// them. Every thread still executes the same accesses and barriers in the same order. An array that moves becomes one
// that spans those of all turns. Run before: lower. A kernel without such runs stays as it is.
void fold_repeats(Kernel&);

}  // namespace shoal::kernel
