// A loaded module of a GPU, and its launch.
#pragma once

#include <memory>
#include <string>

#include "runtime/cuda/cuda_memory.h"
#include "runtime/device.h"

namespace shoal::cuda {

// Machine code in the device's memory; unloaded with the object, after what was started has ended.
class LoadedImage {
 public:
  // `image`: a cubin, or PTX as text. Throws CompileError with the driver's log when it is refused, RuntimeError when
  // it lacks the function.
  LoadedImage(std::shared_ptr<const Gpu>, const std::string& image, const std::string& function_name);
  ~LoadedImage();
  LoadedImage(const LoadedImage&) = delete;
  LoadedImage& operator=(const LoadedImage&) = delete;
  void* function() const { return function_; }
  const std::shared_ptr<const Gpu>& gpu() const { return gpu_; }

 private:
  std::shared_ptr<const Gpu> gpu_;
  void* module_ = nullptr;
  void* function_ = nullptr;
};

// Throws RuntimeError when the kernel needs more shared memory than the device gives a block.
std::unique_ptr<Executable> make_executable(std::shared_ptr<LoadedImage>, const Module&);

}  // namespace shoal::cuda
