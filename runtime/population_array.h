// One argument's buffer on a device, written and read as the user's array [members, samples, units].
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/device.h"
#include "runtime/population_layout.h"

namespace shoal::runtime {

class PopulationArray {
 public:
  PopulationArray(Device&, std::string name, const ArgumentLayout&);  // zeros
  PopulationArray(std::string name, const ArgumentLayout&);           // zeros in host memory
  void move_to_host();                                                // what it holds; the device's memory is free then

  const std::string& name() const { return name_; }
  const ArgumentLayout& layout() const { return layout_; }
  DeviceBuffer* buffer() const { return buffer_.get(); }

  // The whole array; the sizes must agree. T is int32_t for i32 arguments and float for others; where f16 or bf16 is
  // stored, floats are rounded to it.
  template <typename T>
  void write(std::span<const T> dense);
  template <typename T>
  std::vector<T> read() const;

  // Some members; `first` is a multiple of chunk_members(), which keeps the host's copies of large populations small.
  template <typename T>
  void write_members(int64_t first, std::span<const T> dense);
  template <typename T>
  std::vector<T> read_members(int64_t first, int64_t count) const;
  int64_t chunk_members() const;

  void write_zeros();
  void write_zeros(std::span<const int64_t> members);  // of a population

 private:
  std::string name_;
  ArgumentLayout layout_;
  bool on_host_ = false;
  std::unique_ptr<DeviceBuffer> buffer_;
};

}  // namespace shoal::runtime
