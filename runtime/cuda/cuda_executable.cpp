// Loading images and launching kernels.
#include "runtime/cuda/cuda_executable.h"

#include <utility>
#include <vector>

#include "compiler/support/error.h"

namespace shoal::cuda {

LoadedImage::LoadedImage(std::shared_ptr<const Driver> driver, const std::string& image,
                         const std::string& function_name)
    : driver_(std::move(driver)) {
  const CurrentContext current(*driver_);
  driver_->succeed(driver_->module_load(&module_, image.c_str()),
                   fmt::format("the driver refuses the code of {} ({} bytes)", function_name, image.size()));
  if (const int result = driver_->module_function(&function_, module_, function_name.c_str()); result != 0) {
    driver_->module_unload(module_);
    driver_->succeed(result, fmt::format("the code has no kernel {}", function_name));
  }
}

LoadedImage::~LoadedImage() {
  try {
    const CurrentContext current(*driver_);
    driver_->module_unload(module_);
  } catch (const RuntimeError&) {
    // The context is lost after a fault on the GPU, and the module with it.
  }
}

namespace {

class CudaExecutable : public Executable {
 public:
  CudaExecutable(std::shared_ptr<LoadedImage> image, const Module& module)
      : image_(std::move(image)),
        name_(module.kernel.name),
        threads_(module.kernel.warps * module.kernel.lanes),
        shared_bytes_(module.kernel.shared_elements * 4),
        groups_(module.groups),
        scalars_(module.kernel.scalars.size()) {
    for (const kernel::Buffer& buffer : module.kernel.buffers)
      if (buffer.space == kernel::Space::global) buffers_.push_back(buffer);
    if (groups_ < 1 || groups_ > INT32_MAX)
      throw RuntimeError(fmt::format("{}: a launch of {} blocks, the device takes 1 to {}", name_, groups_, INT32_MAX));
    allow_shared_memory();
  }

  void launch(const std::vector<DeviceBuffer*>& buffers, const std::vector<int32_t>& scalars) override {
    if (buffers.size() != buffers_.size() || scalars.size() != scalars_)
      throw RuntimeError(fmt::format("launch of {} with {} buffers and {} scalars, it takes {} and {}", name_,
                                     buffers.size(), scalars.size(), buffers_.size(), scalars_));
    std::vector<unsigned long long> addresses;
    for (size_t i = 0; i < buffers.size(); i++) addresses.push_back(address_of(buffers[i], i));
    std::vector<int32_t> values = scalars;
    std::vector<void*> parameters;
    for (auto& address : addresses) parameters.push_back(&address);
    for (auto& value : values) parameters.push_back(&value);
    const Driver& driver = image_->driver();
    const CurrentContext current(driver);
    const auto what = [&] {
      return fmt::format("launch of {}, {} blocks of {} threads with {} bytes of shared memory", name_, groups_,
                         threads_, shared_bytes_);
    };
    driver.succeed(
        driver.launch(image_->function(), static_cast<unsigned>(groups_), 1, 1, static_cast<unsigned>(threads_), 1, 1,
                      static_cast<unsigned>(shared_bytes_), nullptr, parameters.data(), nullptr),
        what());
    driver.succeed(driver.synchronize(), what());  // faults of the running kernel appear here
  }

 private:
  // More than 48 KiB a block must be asked for.
  void allow_shared_memory() const {
    const Driver& driver = image_->driver();
    const int most = driver.attribute(shared_bytes_per_block);
    if (shared_bytes_ > most)
      throw RuntimeError(
          fmt::format("{} needs {} bytes of shared memory a block, the device has {}", name_, shared_bytes_, most));
    if (shared_bytes_ == 0) return;
    const CurrentContext current(driver);
    driver.succeed(driver.function_set(image_->function(), max_dynamic_shared_bytes, static_cast<int>(shared_bytes_)),
                   fmt::format("{} bytes of shared memory for {}", shared_bytes_, name_));
  }

  unsigned long long address_of(const DeviceBuffer* buffer, size_t i) const {
    const auto* cuda = dynamic_cast<const CudaBuffer*>(buffer);
    if (!cuda || cuda->driver() != &image_->driver())
      throw RuntimeError(fmt::format("launch of {}: buffer {} is not of this device", name_, buffers_[i].name));
    if (cuda->bytes() < buffers_[i].size * 4)
      throw RuntimeError(fmt::format("launch of {}: buffer {} has {} bytes, it needs {}", name_, buffers_[i].name,
                                     cuda->bytes(), buffers_[i].size * 4));
    return cuda->address();
  }

  std::shared_ptr<LoadedImage> image_;
  std::string name_;
  int threads_;
  int64_t shared_bytes_, groups_;
  size_t scalars_;
  std::vector<kernel::Buffer> buffers_;
};

}  // namespace

std::unique_ptr<Executable> make_executable(std::shared_ptr<LoadedImage> image, const Module& module) {
  return std::make_unique<CudaExecutable>(std::move(image), module);
}

}  // namespace shoal::cuda
