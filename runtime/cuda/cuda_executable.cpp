// Loading images and launching kernels.
#include "runtime/cuda/cuda_executable.h"

#include <array>
#include <utility>
#include <vector>

#include "compiler/support/error.h"
#include "runtime/cuda/cuda_ticket.h"

namespace shoal::cuda {
namespace {

// Invalid image, no binary for this GPU, invalid PTX, no compiler of PTX, PTX too new, invalid source: other code may
// do. Not so for a lost context or a lack of memory.
bool is_about_the_code(int result) {
  return result == 200 || result == 209 || result == 218 || result == 221 || result == 222 || result == 300;
}

}  // namespace

LoadedImage::LoadedImage(std::shared_ptr<const Gpu> gpu, const std::string& image, const std::string& function_name)
    : gpu_(std::move(gpu)) {
  const Driver& driver = gpu_->driver();
  const CurrentContext current(*gpu_);
  // The driver compiles PTX itself, and says into this what it dislikes.
  constexpr int error_log = 5, error_log_bytes = 6;
  std::array<char, 8192> log{};
  std::array<int, 2> options{error_log, error_log_bytes};
  std::array<void*, 2> values{log.data(), reinterpret_cast<void*>(log.size() - 1)};
  if (const int result = driver.module_load(&module_, image.c_str(), 2, options.data(), values.data()); result != 0) {
    const std::string message = fmt::format("the driver refuses the code of {} ({} bytes): {}", function_name,
                                            image.size(), driver.error(result));
    if (is_about_the_code(result)) throw CompileError(message, log.data(), {});
    throw RuntimeError(message);
  }
  if (const int result = driver.module_function(&function_, module_, function_name.c_str()); result != 0) {
    driver.module_unload(module_);
    driver.succeed(result, fmt::format("the code has no kernel {}", function_name));
  }
}

LoadedImage::~LoadedImage() {
  try {
    const CurrentContext current(*gpu_);
    gpu_->driver().stream_synchronize(gpu_->stream());
    gpu_->driver().module_unload(module_);
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
    start(buffers, scalars)->wait();
  }

  std::unique_ptr<Ticket> start(const std::vector<DeviceBuffer*>& buffers,
                                const std::vector<int32_t>& scalars) override {
    if (buffers.size() != buffers_.size() || scalars.size() != scalars_)
      throw RuntimeError(fmt::format("launch of {} with {} buffers and {} scalars, it takes {} and {}", name_,
                                     buffers.size(), scalars.size(), buffers_.size(), scalars_));
    std::vector<unsigned long long> addresses;
    for (size_t i = 0; i < buffers.size(); i++) addresses.push_back(address_of(buffers[i], i));
    std::vector<int32_t> values = scalars;
    std::vector<void*> parameters;
    for (auto& address : addresses) parameters.push_back(&address);
    for (auto& value : values) parameters.push_back(&value);
    const std::string what = fmt::format("launch of {}, {} blocks of {} threads with {} bytes of shared memory", name_,
                                         groups_, threads_, shared_bytes_);
    const std::shared_ptr<const Gpu>& gpu = image_->gpu();
    auto ticket = std::make_unique<CudaTicket>(gpu, what, image_);
    const Driver& driver = gpu->driver();
    {
      const CurrentContext current(*gpu);
      driver.succeed(
          driver.launch(image_->function(), static_cast<unsigned>(groups_), 1, 1, static_cast<unsigned>(threads_), 1, 1,
                        static_cast<unsigned>(shared_bytes_), gpu->stream(), parameters.data(), nullptr),
          what);
    }
    ticket->mark_end();
    return ticket;
  }

 private:
  // More than 48 KiB a block must be asked for.
  void allow_shared_memory() const {
    const Gpu& gpu = *image_->gpu();
    const int most = gpu.attribute(shared_bytes_per_block);
    if (shared_bytes_ > most)
      throw RuntimeError(
          fmt::format("{} needs {} bytes of shared memory a block, the device has {}", name_, shared_bytes_, most));
    if (shared_bytes_ == 0) return;
    const CurrentContext current(gpu);
    gpu.driver().succeed(
        gpu.driver().function_set(image_->function(), max_dynamic_shared_bytes, static_cast<int>(shared_bytes_)),
        fmt::format("{} bytes of shared memory for {}", shared_bytes_, name_));
  }

  unsigned long long address_of(const DeviceBuffer* buffer, size_t i) const {
    const auto* cuda = dynamic_cast<const CudaBuffer*>(buffer);
    if (!cuda || cuda->gpu() != image_->gpu().get())
      throw RuntimeError(fmt::format("launch of {}: buffer {} is not of this device", name_, buffers_[i].name));
    const int64_t needed = buffers_[i].size * kernel::element_bytes(buffers_[i].type);
    if (cuda->bytes() < needed)
      throw RuntimeError(fmt::format("launch of {}: buffer {} has {} bytes, it needs {}", name_, buffers_[i].name,
                                     cuda->bytes(), needed));
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
