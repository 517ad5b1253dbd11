// A loaded module of a GPU, and its launch.
#pragma once

#include <memory>
#include <string>

#include "runtime/cuda/cuda_memory.h"
#include "runtime/cuda/driver.h"
#include "runtime/device.h"

namespace shoal::cuda {

// Machine code in the device's memory; unloaded with the object.
class LoadedImage {
 public:
  // Throws RuntimeError when the driver refuses the image or it lacks the function.
  LoadedImage(std::shared_ptr<const Driver> driver, const std::string& image, const std::string& function_name);
  ~LoadedImage();
  LoadedImage(const LoadedImage&) = delete;
  LoadedImage& operator=(const LoadedImage&) = delete;
  void* function() const { return function_; }
  const Driver& driver() const { return *driver_; }

 private:
  std::shared_ptr<const Driver> driver_;
  void* module_ = nullptr;
  void* function_ = nullptr;
};

// Throws RuntimeError when the kernel needs more shared memory than the device gives a block.
std::unique_ptr<Executable> make_executable(std::shared_ptr<LoadedImage>, const Module&);

}  // namespace shoal::cuda
