// Events around a launch: asking, waiting, timing.
#include "runtime/cuda/cuda_ticket.h"

#include <utility>

#include "compiler/support/error.h"

namespace shoal::cuda {
namespace {

constexpr int not_ready = 600;

}  // namespace

CudaTicket::CudaTicket(std::shared_ptr<const Gpu> gpu, std::string what, std::shared_ptr<const void> keeps)
    : gpu_(std::move(gpu)), what_(std::move(what)), keeps_(std::move(keeps)) {
  const CurrentContext current(*gpu_);
  const Driver& driver = gpu_->driver();
  driver.succeed(driver.event_create(&begin_, 0), what_);
  try {
    driver.succeed(driver.event_create(&end_, 0), what_);
    driver.succeed(driver.event_record(begin_, gpu_->stream()), what_);
  } catch (...) {
    destroy_events();
    throw;
  }
}

CudaTicket::~CudaTicket() {
  try {
    const CurrentContext current(*gpu_);
    destroy_events();
  } catch (const RuntimeError&) {
    // The context is lost, and its events with it.
  }
}

void CudaTicket::destroy_events() const {
  if (begin_) gpu_->driver().event_destroy(begin_);
  if (end_) gpu_->driver().event_destroy(end_);
}

void CudaTicket::mark_end() {
  const CurrentContext current(*gpu_);
  gpu_->driver().succeed(gpu_->driver().event_record(end_, gpu_->stream()), what_);
}

bool CudaTicket::ready() {
  const CurrentContext current(*gpu_);
  return gpu_->driver().event_query(end_) != not_ready;
}

void CudaTicket::wait() {
  const CurrentContext current(*gpu_);
  gpu_->driver().succeed(gpu_->driver().event_synchronize(end_), what_);  // faults of the running kernel appear here
}

double CudaTicket::seconds() {
  const CurrentContext current(*gpu_);
  float milliseconds = 0;
  gpu_->driver().succeed(gpu_->driver().event_elapsed(&milliseconds, begin_, end_), what_);
  return static_cast<double>(milliseconds) * 1e-3;
}

void CudaTicket::hold_back(uintptr_t stream) {
  const CurrentContext current(*gpu_);
  gpu_->driver().succeed(gpu_->driver().stream_wait_event(reinterpret_cast<void*>(stream), end_, 0), what_);
}

}  // namespace shoal::cuda
