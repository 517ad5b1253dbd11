// The emitters: kernel -> source text, as tables over the kernel opcodes. They know no layer, no axis and no schedule.
#pragma once

#include <string>

#include "compiler/kernel/kernel.h"

namespace shoal::emit {

// Self-contained CUDA C++ (no #include) for NVRTC with --fmad=false --ftz=true:
//   extern "C" __global__ void __launch_bounds__(warps*lanes) NAME(float* buffer..., int scalar...)
// Dynamic shared memory of kernel.shared_elements * 4 bytes. Group index is blockIdx.x. Readable by a person: named
// buffers, indented loops, the header as comments; values that are used once are written inside their user's
// expression. Where `resident` is not 0, __launch_bounds__ also says that a multiprocessor runs that many blocks at
// once, so that ptxas need not save registers for more.
std::string cuda(const kernel::Kernel&, int resident = 0);

// The same code as a function to call from a kernel of somebody else's, by all lanes of one warp together:
//   __device__ __forceinline__ void NAME(buffers..., scalars..., int group, int lane, float4* shoal_arena)
// For kernels of one warp a group. `shoal_arena` is shared memory of kernel.shared_elements * 4 bytes that no other
// warp uses; the parameter is there only where the kernel has some. Ends with the warp's lanes in step.
std::string cuda_device_function(const kernel::Kernel&);

struct CpuFeatures {
  std::string cpu = "x86-64";  // LLVM's name
  std::string features;        // "+avx2,+fma,..."; the whole truth: nothing is taken from the machine
  std::string triple = "x86_64-unknown-linux-gnu";
};

// LLVM IR text (LLVM 19, opaque pointers) of
//   define void @NAME(ptr %buffers, ptr %scalars, ptr %scratch, i32 %first_group, i32 %last_group, i32 %warp, ptr
//   %team)
// buffers: array of pointers, scalars: array of i32, scratch: 64-byte aligned, kernel.shared_elements * 4 bytes. Runs
// the groups [first, last) one after another. kernel.lanes lanes are one vector value; what is the same in all lanes
// stays scalar; an index that is uniform + lane (stride 1) is one vector load or store. No IR passes are needed.
//
// A kernel of one warp has its scratch to itself and reads neither %warp nor %team. One of more warps is run by a team:
// that many threads call it at once with all arguments the same but %warp, their number in the team. At a barrier of
// the group, and after each group, every thread calls the function whose address is the first thing in the memory at
// %team, with %team as its argument; it returns when all threads of the team have called it.
std::string llvm(const kernel::Kernel&, const CpuFeatures&);

}  // namespace shoal::emit
