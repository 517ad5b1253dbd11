// A population that does not fit on its device, a part of its members at a time: their rows of every array go to the
// device before a launch and come back behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/device.h"
#include "runtime/population_layout.h"

namespace shoal::runtime {

// Members of a part, so that the parts of all are nearly equal; 0 when not even one group of `multiple` members fits.
// A group takes `group_bytes` of the `available` ones.
int64_t members_of_part(int64_t members, int64_t multiple, int64_t group_bytes, int64_t available);

class MemberParts {
 public:
  // Allocates the parts' place on the device. `module` was compiled for one part of a population of `members`.
  MemberParts(Device&, const Module& module, int64_t members);

  // Whether what stands in it does not matter from one launch to the next: no part needs it kept.
  static bool is_working_memory(const Argument& argument) { return argument.is_output && argument.role == Role::state; }

  // Launches one part after the other, and waits. `buffers` in the order of module.arguments: of members, host memory
  // for all of them, padded to whole groups (working memory: none); of others, the device's. Returns the seconds that
  // it took, copies included.
  double launch(Executable&, const std::vector<DeviceBuffer*>& buffers, const std::vector<int32_t>& scalars);

 private:
  struct Part {
    std::unique_ptr<DeviceBuffer> place;  // none: the same for all members
    bool goes = false, comes = false;     // to the device before a launch, and back behind it
  };

  int64_t count_;
  std::vector<Part> parts_;  // by argument
};

}  // namespace shoal::runtime
