// The way of each part to the device and back.
#include "runtime/member_parts.h"

#include <algorithm>
#include <chrono>

#include "compiler/support/error.h"
#include "runtime/reference/host_buffer.h"

namespace shoal::runtime {
namespace {

int64_t rounded_up_quotient(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The rows of a part in host memory.
struct Slice {
  char* data;
  int64_t bytes;
};
Slice slice_of(DeviceBuffer* all, int64_t part, int64_t part_bytes) {
  auto* host = dynamic_cast<HostBuffer*>(all);
  check(host != nullptr, "a part of members that are not on the host");
  const int64_t from = part * part_bytes;
  return {static_cast<char*>(host->data()) + from, std::min(part_bytes, host->bytes() - from)};
}

}  // namespace

int64_t members_of_part(int64_t members, int64_t multiple, int64_t group_bytes, int64_t available) {
  const int64_t groups = rounded_up_quotient(members, multiple);
  const int64_t fitting = std::min(groups, available / std::max<int64_t>(1, group_bytes));
  if (fitting < 1) return 0;
  return rounded_up_quotient(groups, rounded_up_quotient(groups, fitting)) * multiple;
}

MemberParts::MemberParts(Device& device, const Module& module, int64_t members)
    : count_(rounded_up_quotient(members, module.members)) {
  for (const Argument& argument : module.arguments) {
    const bool kept = !is_working_memory(argument);
    Part part{nullptr, kept && !argument.is_output, kept && argument.written};
    if (argument.varies.member)
      part.place = device.allocate(layout_of(argument, module.members, module.member_multiple).bytes());
    parts_.push_back(std::move(part));
  }
}

double MemberParts::launch(Executable& executable, const std::vector<DeviceBuffer*>& buffers,
                           const std::vector<int32_t>& scalars) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<DeviceBuffer*> of_launch = buffers;
  for (size_t i = 0; i < parts_.size(); ++i)
    if (parts_[i].place) of_launch[i] = parts_[i].place.get();
  for (int64_t part = 0; part < count_; ++part) {
    const auto each = [&](bool Part::* wanted, const auto& copy) {
      for (size_t i = 0; i < parts_.size(); ++i)
        if (parts_[i].place && parts_[i].*wanted) copy(of_launch[i], slice_of(buffers[i], part, of_launch[i]->bytes()));
    };
    each(&Part::goes, [](DeviceBuffer* place, const Slice& rows) { place->write(rows.data, rows.bytes); });
    executable.launch(of_launch, scalars);
    each(&Part::comes, [](DeviceBuffer* place, const Slice& rows) { place->read(rows.data, rows.bytes); });
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace shoal::runtime
