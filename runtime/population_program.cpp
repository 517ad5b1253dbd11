// Compiling, loading and launching a program with the arrays of a population.
#include "runtime/population_program.h"

#include <limits>
#include <utility>
#include <vector>

#include "compiler/support/error.h"

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
  expect_room(views);
  make_arrays(views);
}

// Says before anything is allocated what would not fit, and what would.
void PopulationProgram::expect_room(const Views& views) const {
  const int64_t available = population_.device().available_bytes(), members = population_.members();
  if (available < 0) return;
  int64_t needed = 0, of_members = 0;
  std::string sizes;
  for (const Argument& argument : module().arguments) {
    if (views.count(argument.name) != 0 || (Population::owns(argument) && population_.has(argument.name))) continue;
    const int64_t bytes = layout_of(argument, members, module().member_multiple).bytes();
    needed += bytes;
    if (argument.varies.member) of_members += bytes;
    sizes += fmt::format("{}{} {}", sizes.empty() ? "" : ", ", argument.name, bytes);
  }
  if (needed <= available) return;
  const double room = static_cast<double>(available - (needed - of_members));
  const auto fitting = static_cast<int64_t>(room / static_cast<double>(of_members) * static_cast<double>(members));
  throw RuntimeError(fmt::format("the {} program of {} members needs {} bytes on the device, {} are free ({}); {}",
                                 program_kind_name(program().kind), members, needed, available, sizes,
                                 of_members > 0 && fitting > 0
                                     ? fmt::format("about {} members fit: train the others apart", fitting)
                                     : "not even one member fits"));
}

void PopulationProgram::make_arrays(const Views& views) {
  Population& population = population_;
  for (const Argument& argument : module().arguments) {
    if (Population::owns(argument)) {
      population.array(argument, module().member_multiple);
      population.round_stored(argument, module().member_multiple);
      continue;
    }
    const ArgumentLayout layout = layout_of(argument, population.members(), module().member_multiple);
    if (const auto view = views.find(argument.name); view != views.end()) {
      bound_[argument.name] =
          std::make_unique<BoundArray>(population.device(), argument.name, layout, view->second, argument.is_output);
      continue;
    }
    auto made = std::make_unique<PopulationArray>(population.device(), argument.name, layout);
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

std::unique_ptr<Ticket> PopulationProgram::start(int64_t steps, int64_t first_step) {
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  check(steps >= 1 && first_step >= 0 && first_step + steps <= most, "launch of {} steps from {}", steps, first_step);
  std::vector<DeviceBuffer*> buffers;
  for (const Argument& argument : module().arguments) {
    const auto bound = bound_.find(argument.name);
    buffers.push_back(Population::owns(argument) ? population_.array(argument, module().member_multiple).buffer()
                      : bound != bound_.end()    ? bound->second->buffer()
                                                 : arrays_.at(argument.name)->buffer());
  }
  std::vector<int32_t> scalars;
  for (const std::string& name : module().scalars) {
    check(name == "steps" || name == "first_step", "the kernel has an unknown scalar {}", name);
    scalars.push_back(static_cast<int32_t>(name == "steps" ? steps : first_step));
  }
  for (auto& [name, array] : bound_) array->before_launch();
  std::unique_ptr<Ticket> ticket = compiled_.executable->start(buffers, scalars);
  for (auto& [name, array] : bound_)
    if (std::unique_ptr<Ticket> last = array->after_launch()) ticket = std::move(last);
  return ticket;
}

}  // namespace shoal::runtime
