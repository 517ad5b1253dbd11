// Hand-written kernels that between them use every opcode: for the CUDA emitter's tests and for NVRTC's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/kernel/kernel.h"

namespace shoal::cuda_kernels {

// A kernel with the launch that exercises it. Buffers are 4-byte words; written ones start as zeros.
struct Sample {
  std::string name;
  kernel::Kernel kernel;
  int groups = 1;
  std::vector<int32_t> scalars;
  std::vector<std::vector<uint32_t>> buffers;  // one a global buffer
};

Sample float_arithmetic();    // every f32 opcode over special and random operands
Sample integer_arithmetic();  // every i32, i64 and pred opcode, with wrapping and the sign bit
Sample conversions();
Sample loops_and_conditions();      // loop with a scalar count, when, repeat, vars
Sample memory_spaces();             // wide accesses, shared memory between two warps, local registers
Sample lane_exchange();             // lanes_xor of each type
Sample order_of_effects();          // reads that must not move over the writes behind them
Sample halves();                    // every f16 and every bf16, alone and in wide loads
Sample tensor_products(bool bf16);  // over special and random operands
Sample random_program(uint64_t seed);

std::vector<Sample> all_samples();

}  // namespace shoal::cuda_kernels
