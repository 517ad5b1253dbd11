// compile(): a graph, a target and options in; a module of source text and everything needed to launch it out. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/emit/emit.h"
#include "compiler/graph/graph.h"
#include "compiler/kernel/kernel.h"
#include "compiler/support/hash.h"
#include "compiler/support/trace.h"

namespace shoal {

// What code is made for. Everything that may change the code is here or in Options; nothing is read from the machine.
struct Target {
  enum class Kind : uint8_t { cpu, cuda } kind = Kind::cpu;
  int lanes = 8;                    // CPU: f32 elements of a vector register; CUDA: 32
  emit::CpuFeatures cpu;            // kind cpu
  int sm = 80;                      // kind cuda: 80 is sm_80
  int64_t l1_bytes = 32 << 10;      // per core
  int64_t l2_bytes = 512 << 10;     // per core
  int64_t l3_bytes = 32 << 20;      // CPU: of all cores together; 0 when there is none
  int64_t shared_bytes = 99 << 10;  // CUDA: shared memory that one block may use
  int registers = 16;               // vector registers (CPU) or 32-bit registers a thread (CUDA: 255)
  int workers = 1;                  // CPU: threads; CUDA: multiprocessors. Only `choose` reads it
  bool teams = false;               // CPU: several threads can be had at the same time. Only `choose` reads it
};

struct Options {
  int64_t members = 1;  // P
  // Text; empty: choose, which may take any precision that the graph permits. A schedule that only says `precision=`
  // is a permission too, in the place of the graph's; any other one is complete, and computes in the precision that it
  // names, or f32.
  std::string schedule = {};
};

// One argument of the launched kernel, in order: first the buffers, then the scalars.
struct Argument {
  std::string name;  // of the graph's input or output
  Role role = Role::input;
  bool is_output = false;  // written, not read before (an output that is not carried)
  bool written = false;
  DType dtype = DType::f32;
  Varies varies;
  Shape shape;          // unit shape, row-major, unpadded
  int64_t samples = 1;  // extent of sample when varies.sample, else 1
  // Element (member m, sample s, unit u) stands at
  //   varies.member:  (m / block) * (samples * units * block) + (s * units + u) * block + m % block
  //   otherwise:      s * units + u
  int64_t block = 1;
  int64_t elements(int64_t members) const;  // with members rounded up to a multiple of the module's member_multiple
};

struct Module {
  Target target;
  std::string schedule;   // the schedule in force, as text
  std::string why;        // choose's reasons, one a line
  std::string plan_text;  // print(plan)
  kernel::Kernel kernel;
  std::string source;                // CUDA C++ or LLVM IR
  std::vector<Argument> arguments;   // = kernel.buffers that are global, same order
  std::vector<std::string> scalars;  // "steps": steps in this launch; "first_step": steps taken before
  int64_t members = 1;               // P
  int64_t member_multiple = 1;       // members are padded to a multiple of this
  int64_t groups = 1;                // of a launch
  kernel::Estimate per_step;         // of the whole population, one step
};

// Throws SpecError for a schedule that cannot serve, or a network that cannot fit.
Module compile(const Graph&, const Target&, const Options&, Trace* = nullptr);

}  // namespace shoal
