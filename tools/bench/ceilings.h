// What the machine can do at most, measured by kernels that go the same way as all others: FMA peak, memory bandwidth,
// and on GPUs how shared memory serves lanes that read one address.
#pragma once

#include <string>

#include "runtime/device.h"

namespace shoal::bench {

class CeilingMeter {
 public:
  explicit CeilingMeter(Device& device);  // cpu or cuda
  ~CeilingMeter();
  double fma_gflops();  // f32, a fused multiply-add counting two, on all of the device; one measurement, about 20 ms
  double memory_bytes_per_ns();  // CPU: reading memory that no cache holds; GPU: read and written by a copy
  // GPU: the time of a 16-byte load from shared memory in which lanes i and i ^ 1 (or i ^ 2) read one address, as a
  // part of that of one in which all addresses differ. 0.5: half the cycles, the loads merge; 1: the data returned
  // decides.
  struct SharedLoadTimes {
    double neighbours = 0, every_other = 0, all = 0;
  };
  SharedLoadTimes shared_loads();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace shoal::bench
