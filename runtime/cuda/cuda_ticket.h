// Work on a GPU's stream, between two events.
#pragma once

#include <memory>
#include <string>

#include "runtime/cuda/gpu.h"
#include "runtime/device.h"

namespace shoal::cuda {

class CudaTicket : public Ticket {
 public:
  // Marks the beginning; `what` opens the messages of what goes wrong. `keeps` lives as long as the ticket.
  CudaTicket(std::shared_ptr<const Gpu>, std::string what, std::shared_ptr<const void> keeps);
  ~CudaTicket() override;
  CudaTicket(const CudaTicket&) = delete;
  CudaTicket& operator=(const CudaTicket&) = delete;
  void mark_end();

  bool ready() override;
  void wait() override;
  double seconds() override;
  void hold_back(uintptr_t stream) override;

 private:
  void destroy_events() const;

  std::shared_ptr<const Gpu> gpu_;
  std::string what_;
  std::shared_ptr<const void> keeps_;
  void *begin_ = nullptr, *end_ = nullptr;
};

}  // namespace shoal::cuda
