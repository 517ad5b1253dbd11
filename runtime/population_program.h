// A program compiled and loaded for a population, with the arrays that are its own: data, inputs, order, outputs.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/bound_array.h"
#include "runtime/compiled_program.h"
#include "runtime/member_parts.h"
#include "runtime/population.h"

namespace shoal::runtime {

class PopulationProgram {
 public:
  // Compiles and loads; arrays of the population that this program is the first to use are made, with zeros.
  // `schedule` empty: chosen. Throws what compile() and Device::load() throw.
  // `views`: arrays of the program's own, by name, that stand in memory of somebody else's. When the arrays do not fit
  // into what the device has left, a program without views runs in parts of the members (member_parts.h), with the same
  // results bit by bit; where that cannot be, throws RuntimeError with all sizes.
  using Views = std::map<std::string, StridedView>;
  PopulationProgram(Population&, Program, const std::string& schedule, Trace* = nullptr, const Views& views = {});
  // Of what was compiled for the population's device and number of members.
  PopulationProgram(Population&, CompiledProgram, const Views& views = {});

  const Module& module() const { return compiled_.module; }  // in parts: of one part
  const Program& program() const { return compiled_.program; }
  const LoadReport& load_report() const { return compiled_.report; }
  double compile_seconds() const { return compiled_.compile_seconds; }  // see CompiledProgram

  bool has(const std::string& name) const { return arrays_.count(name) != 0; }
  PopulationArray& array(const std::string& name);  // one of the program's own

  void launch(int64_t steps = 1, int64_t first_step = 0);
  // Starts it on the device, behind what was started before, with the copies that views need.
  std::unique_ptr<Ticket> start(int64_t steps = 1, int64_t first_step = 0);

 private:
  struct Room {
    int64_t available = 0, needed = 0, of_members = 0;  // bytes
    std::string sizes;
    bool fits() const { return needed <= available; }
  };
  Room room(const Views&) const;
  [[noreturn]] void refuse(const Room&) const;
  void make_arrays(const Views&);
  void run_in_parts();
  ArgumentLayout layout(const Argument&) const;  // for all members
  std::vector<DeviceBuffer*> buffers();

  Population& population_;
  CompiledProgram compiled_;
  std::map<std::string, std::unique_ptr<PopulationArray>> arrays_;
  std::map<std::string, std::unique_ptr<BoundArray>> bound_;
  std::optional<MemberParts> parts_;
};

}  // namespace shoal::runtime
