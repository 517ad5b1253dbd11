// Compiling, loading and launching a program with the arrays of a population.
#include "runtime/population_program.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "compiler/support/error.h"
#include "runtime/reference/host_buffer.h"

namespace shoal::runtime {

PopulationProgram::PopulationProgram(Population& population, Program program, const std::string& schedule, Trace* trace,
                                     const Views& views)
    : PopulationProgram(population,
                        compile_program(population.device(), population.members(), std::move(program), schedule, trace),
                        views) {}

PopulationProgram::PopulationProgram(Population& population, CompiledProgram compiled, const Views& views)
    : population_(population), compiled_(std::move(compiled)) {
  check(module().members == population.members(), "a program for {} members and a population of {}", module().members,
        population.members());
  const Room all = room(views);
  const bool fits = all.fits() && !population.is_on_host();
  if (!fits && !views.empty()) refuse(all);
  if (!fits) run_in_parts();
  make_arrays(views);
}

ArgumentLayout PopulationProgram::layout(const Argument& argument) const {
  return layout_of(argument, population_.members(), module().member_multiple);
}

// What arrays for all members would take that are not there yet.
PopulationProgram::Room PopulationProgram::room(const Views& views) const {
  Room room;
  int64_t moved = 0;  // one array after the other
  room.available = population_.device().available_bytes();
  if (room.available < 0) room.available = std::numeric_limits<int64_t>::max();
  for (const Argument& argument : module().arguments) {
    if (views.count(argument.name) != 0) continue;
    const int64_t bytes = layout(argument).bytes();
    if (Population::owns(argument) && population_.has(argument.name)) {
      if (population_.would_move(argument, module().member_multiple)) moved = std::max(moved, bytes);
      continue;
    }
    room.needed += bytes;
    if (argument.varies.member) room.of_members += bytes;
    room.sizes += fmt::format("{}{} {}", room.sizes.empty() ? "" : ", ", argument.name, bytes);
  }
  room.needed += moved;
  return room;
}

void PopulationProgram::refuse(const Room& all) const {
  const int64_t members = population_.members();
  const auto left = static_cast<double>(all.available - (all.needed - all.of_members));
  const auto fitting = static_cast<int64_t>(left / static_cast<double>(all.of_members) * static_cast<double>(members));
  throw RuntimeError(fmt::format("the {} program of {} members needs {} bytes on the device, {} are free ({}); {}",
                                 program_kind_name(program().kind), members, all.needed, all.available, all.sizes,
                                 all.of_members > 0 && fitting > 0
                                     ? fmt::format("about {} members fit: train the others apart", fitting)
                                     : "not even one member fits"));
}

// Compiles for a part of the members, under the schedule that was chosen for all of them: results are the same.
void PopulationProgram::run_in_parts() {
  const Room all = room({});
  int64_t of_group = 0, shared = 0, on_host = 0;
  for (const Argument& argument : module().arguments) {
    const int64_t multiple = module().member_multiple;
    if (argument.varies.member)
      of_group += layout_of(argument, multiple, multiple).bytes();
    else if (arrays_.count(argument.name) == 0 && !(Population::owns(argument) && population_.has(argument.name)))
      shared += layout(argument).bytes();
    if (argument.varies.member && !MemberParts::is_working_memory(argument)) on_host += layout(argument).bytes();
  }
  if (on_host > host_memory()) refuse(all);
  population_.keep_on_host();
  for (auto& [name, array] : arrays_)
    if (array->layout().per_member) array->move_to_host();
  const int64_t available = population_.device().available_bytes() - shared;
  // Half of what is free is left to the population's other programs.
  const int64_t members = population_.members(), multiple = module().member_multiple;
  const int64_t part =
      members_of_part(members, multiple, of_group, std::max(available / 2, std::min(available, of_group)));
  if (part == 0) refuse(all);
  std::string why = std::move(compiled_.module.why);
  const double seconds = compiled_.compile_seconds;
  compiled_ = compile_program(population_.device(), part, std::move(compiled_.program), module().schedule);
  compiled_.compile_seconds += seconds;
  compiled_.module.why =
      why +
      fmt::format("{} members do not fit on the device: they run from host memory, {} at a time\n", members, part);
  parts_.emplace(population_.device(), compiled_.module, members);
}

void PopulationProgram::make_arrays(const Views& views) {
  Population& population = population_;
  for (const Argument& argument : module().arguments) {
    if (Population::owns(argument)) {
      population.array(argument, module().member_multiple);
      population.round_stored(argument, module().member_multiple);
      continue;
    }
    if (parts_ && MemberParts::is_working_memory(argument)) continue;  // the parts have their own
    if (const auto view = views.find(argument.name); view != views.end()) {
      bound_[argument.name] = std::make_unique<BoundArray>(population.device(), argument.name, layout(argument),
                                                           view->second, argument.is_output);
      continue;
    }
    auto made = parts_ && argument.varies.member
                    ? std::make_unique<PopulationArray>(argument.name, layout(argument))
                    : std::make_unique<PopulationArray>(population.device(), argument.name, layout(argument));
    check(arrays_.emplace(argument.name, std::move(made)).second, "two arguments are called {}", argument.name);
  }
  for (const auto& [name, view] : views) check(bound_.count(name) != 0, "a view of {}, which is no argument", name);
}

PopulationArray& PopulationProgram::array(const std::string& name) {
  const auto found = arrays_.find(name);
  check(found != arrays_.end(), "the {} program has no array {}", program_kind_name(program().kind), name);
  return *found->second;
}

void PopulationProgram::launch(int64_t steps, int64_t first_step) { start(steps, first_step)->wait(); }

std::vector<DeviceBuffer*> PopulationProgram::buffers() {
  std::vector<DeviceBuffer*> buffers;
  for (const Argument& argument : module().arguments) {
    const auto bound = bound_.find(argument.name);
    const auto own = arrays_.find(argument.name);
    buffers.push_back(Population::owns(argument) ? population_.array(argument, module().member_multiple).buffer()
                      : bound != bound_.end()    ? bound->second->buffer()
                      : own != arrays_.end()     ? own->second->buffer()
                                                 : nullptr);
  }
  return buffers;
}

std::unique_ptr<Ticket> PopulationProgram::start(int64_t steps, int64_t first_step) {
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  check(steps >= 1 && first_step >= 0 && first_step + steps <= most, "launch of {} steps from {}", steps, first_step);
  std::vector<int32_t> scalars;
  for (const std::string& name : module().scalars) {
    check(name == "steps" || name == "first_step", "the kernel has an unknown scalar {}", name);
    scalars.push_back(static_cast<int32_t>(name == "steps" ? steps : first_step));
  }
  // Another program of the population may have found since that the members do not fit.
  if (population_.is_on_host() && !parts_) {
    check(bound_.empty(), "members on the host, and a program bound to memory of the caller's");
    run_in_parts();
  }
  if (parts_) return std::make_unique<FinishedTicket>(parts_->launch(*compiled_.executable, buffers(), scalars));
  for (auto& [name, array] : bound_) array->before_launch();
  std::unique_ptr<Ticket> ticket = compiled_.executable->start(buffers(), scalars);
  for (auto& [name, array] : bound_)
    if (std::unique_ptr<Ticket> last = array->after_launch()) ticket = std::move(last);
  return ticket;
}

}  // namespace shoal::runtime
