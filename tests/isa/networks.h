// Networks under every mapping of the CPU, compiled for a given target and run by a given machine. Failures are
// GoogleTest's.
#pragma once

#include "tests/harness/mappings.h"
#include "tests/harness/run_module.h"

namespace shoal::test {

// The mappings that each machine is tried on: all three, chunks, and a team.
std::vector<harness::Mapping> isa_mappings();

// Samples of every op, forward and gradients: the bits of the interpreter, and the evaluator's values in double.
// Under the two mappings that differ most; the others are skipped.
void ops_agree(const harness::Mapping&, const Target&, const harness::Executor&);
// A network of each kind trained for some steps: PyTorch's weights.
void training_agrees(const harness::Mapping&, const Target&, const harness::Executor&);
// Parameters stored as f16 and bf16: the bits of the interpreter.
void storage_agrees(const harness::Mapping&, const Target&, const harness::Executor&);

}  // namespace shoal::test
