// LLVM IR text -> object bytes -> a function to call. LLVM is seen in jit.cpp and nowhere else.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "compiler/emit/emit.h"

namespace shoal::cpu {

// What the threads that run one group together share; its place for code is the first member, as emit::llvm has it.
struct TeamEntry {
  void (*barrier)(TeamEntry*) = nullptr;
};

// The signature of emit::llvm. `warp` and `team` are read by kernels of several warps only.
using KernelFunction = void (*)(void* const* buffers, const int32_t* scalars, void* scratch, int32_t first_group,
                                int32_t last_group, int32_t warp, TeamEntry* team);

struct CompileTimes {
  double parse_seconds = 0, generate_seconds = 0;
};

// Code generation without IR passes, for any CPU of x86-64 or AArch64: the object need not be of this machine. Throws
// CompileError for text that LLVM refuses, and for an object that would call anything outside itself. Every call has an
// LLVM context of its own, so threads may call it at once.
std::string compile_object(const std::string& text, const emit::CpuFeatures&, CompileTimes* = nullptr);
std::string compile_assembly(const std::string& text, const emit::CpuFeatures&);

std::vector<std::string> undefined_symbols(const std::string& object);

std::string llvm_version();                                 // "19.1.7", for cache keys
std::string host_cpu_name();                                // LLVM's name
std::vector<std::pair<std::string, bool>> host_features();  // by name, as CPUID and XGETBV have it, sorted
bool is_known_cpu(const std::string& name, const std::string& triple);

// Linked code; freed with the object, which must not outlive its Linker.
class LoadedCode {
 public:
  virtual ~LoadedCode() = default;
  virtual KernelFunction function() const = 0;
};

// Links objects into this process. Names of different objects do not meet. Threads may load at once.
class Linker {
 public:
  Linker();
  ~Linker();
  Linker(const Linker&) = delete;
  Linker& operator=(const Linker&) = delete;
  // Throws CompileError when the object is damaged or lacks `name`.
  std::unique_ptr<LoadedCode> load(const std::string& object, const std::string& name);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace shoal::cpu
