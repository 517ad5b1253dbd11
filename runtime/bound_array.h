// One argument of a program in memory that somebody else owns: used where it stands when its layout is the program's,
// otherwise copied on the device before or after the launch.
#pragma once

#include <memory>
#include <string>

#include "runtime/population_array.h"
#include "runtime/strided_copy.h"

namespace shoal::runtime {

class BoundArray {
 public:
  // The view's elements are the argument's, in the order of the user's dense array. `written`: the program writes it.
  // Throws SpecError at `name` when the numbers of elements differ, RuntimeError when the device cannot reach it.
  BoundArray(Device&, const std::string& name, const ArgumentLayout&, const StridedView&, bool written);

  DeviceBuffer* buffer() const;  // what the program is launched with
  bool in_place() const { return copy_ == nullptr; }
  // Start the copy in the device's order; nothing for an array in place, or of the other direction.
  std::unique_ptr<Ticket> before_launch();
  std::unique_ptr<Ticket> after_launch();

 private:
  bool written_;
  std::unique_ptr<DeviceBuffer> view_, packed_;
  std::unique_ptr<Executable> copy_;
};

}  // namespace shoal::runtime
