// NVRTC, opened at run time: CUDA C++ text to machine code, on machines with and without a GPU.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace shoal::cuda {

struct CompiledImage {
  enum class Kind : uint8_t { cubin, ptx } kind = Kind::cubin;
  std::string bytes;         // an ELF image, or text
  std::string architecture;  // "sm_90", "compute_90"
  std::string log;           // warnings
};

class Nvrtc {
 public:
  // `path`: the library, or the folder that holds it; empty: the loader's path, then /usr/local/cuda/lib64. Throws
  // RuntimeError with the reasons.
  explicit Nvrtc(const std::string& path = {});
  ~Nvrtc();
  Nvrtc(const Nvrtc&) = delete;
  Nvrtc& operator=(const Nvrtc&) = delete;

  std::string version() const;                    // "13.0", for cache keys
  const std::string& library() const;             // the file
  const std::vector<int>& architectures() const;  // sm numbers it makes code for, ascending

  // A cubin for exactly sm_`sm` where this NVRTC knows it, else PTX of the highest architecture below. Throws SpecError
  // when there is none, CompileError with the log and the numbered source. From several threads at once; at most 8
  // compile.
  CompiledImage compile(const std::string& source, int sm, const std::vector<std::string>& more_options = {}) const;
  // PTX for sm_`sm`, for people to read.
  std::string ptx(const std::string& source, int sm, const std::vector<std::string>& more_options = {}) const;

  // All options that a compilation for `sm` gets, as one line: part of the cache key.
  std::string options_text(int sm, const std::vector<std::string>& more_options = {}) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace shoal::cuda
