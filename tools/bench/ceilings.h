// What the machine can do at most, measured by kernels that go the same way as all others: FMA peak, memory bandwidth.
#pragma once

#include "runtime/device.h"

namespace shoal::bench {

struct Ceilings {
  double gflops = 0;        // f32, a fused multiply-add counting two, on all threads of the device
  double bytes_per_ns = 0;  // reading memory that no cache holds
};

class CeilingMeter {
 public:
  explicit CeilingMeter(Device& device);
  ~CeilingMeter();
  double fma_gflops();  // one measurement, about 20 ms
  double read_bytes_per_ns();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace shoal::bench
