// Filling a program's arrays: numbers in [-1, 1), labels below ten, keys of any size.
#include "tools/bench/setup.h"

#include <random>
#include <span>
#include <utility>
#include <vector>

namespace shoal::bench {

Program program_of(const Work& work, const Spec& spec) {
  if (!work.train) return forward(spec.model, work.batch, true);
  return train(spec.model, {work.samples, spec.training->batch, 0});
}

Setup::Setup(Device& device, int64_t members, Program made, const std::string& schedule)
    : population(device, members), program(population, std::move(made), schedule) {
  reset();
}

void Setup::reset() {
  population.initialize(program.program().parameters, 1);
  for (const Argument& a : program.module().arguments) {
    if (a.is_output || a.role == Role::parameter) continue;
    fill(a, program.has(a.name) ? program.array(a.name) : population.array(a.name));
  }
}

void Setup::fill(const Argument& a, runtime::PopulationArray& array) {
  std::mt19937 random(5);
  auto count = static_cast<size_t>(array.layout().dense_elements());
  if (value_dtype(a.dtype) == DType::f32) {
    std::vector<float> values(count, 0);
    if (a.role == Role::data || a.role == Role::input)
      for (float& v : values) v = static_cast<float>(static_cast<double>(random()) * 0x1p-31 - 1);
    array.write(std::span<const float>(values));
  } else {
    std::vector<int32_t> values(count);
    for (int32_t& v : values) v = static_cast<int32_t>(random() % (a.role == Role::key ? 1u << 31 : 10u));
    array.write(std::span<const int32_t>(values));
  }
}

}  // namespace shoal::bench
