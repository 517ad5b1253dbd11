// Drawing, or looking up, what members' hyperparameters are.
#include "runtime/training_vary.h"

#include "compiler/support/error.h"
#include "runtime/random.h"

namespace shoal::runtime {
namespace {

using Kind = VariedHyperparameter::Kind;

Varied drawn(const VariedHyperparameter& one, Varied::Kind kind) {
  if (one.values.size() != 2)
    throw SpecError(one.name, fmt::format("expected the two ends of a range, got {} numbers", one.values.size()));
  return {kind, one.values[0], one.values[1], {}};
}

// Members that have one value of a grid before its neighbour's turn comes: the product of the grids after it.
uint64_t grid_stride(const std::vector<VariedHyperparameter>& all, size_t index) {
  uint64_t stride = 1;
  for (size_t i = index + 1; i < all.size(); ++i)
    if (all[i].kind == Kind::grid) stride *= all[i].values.size();
  return stride;
}

double value_of(const std::vector<VariedHyperparameter>& all, size_t index, uint64_t seed, int64_t member) {
  const VariedHyperparameter& one = all[index];
  const auto number = static_cast<uint32_t>(member);
  if (one.values.empty()) throw SpecError(one.name, "expected values to vary over, got none");
  switch (one.kind) {
    case Kind::log_uniform: return varied_value(drawn(one, Varied::Kind::log_uniform), seed, one.name, number);
    case Kind::uniform: return varied_value(drawn(one, Varied::Kind::uniform), seed, one.name, number);
    case Kind::choice: return varied_value({Varied::Kind::choice, 0, 0, one.values}, seed, one.name, number);
    case Kind::grid: return one.values[static_cast<uint64_t>(member) / grid_stride(all, index) % one.values.size()];
    case Kind::list:
      if (static_cast<size_t>(member) >= one.values.size())
        throw SpecError(
            one.name, fmt::format("expected a value for each member, got {} for member {}", one.values.size(), member));
      return one.values[static_cast<size_t>(member)];
  }
  throw InternalError("internal error: a kind of variation that is none");
}

}  // namespace

std::vector<std::vector<float>> varied_values(const std::vector<VariedHyperparameter>& all, uint64_t seed,
                                              int64_t first_member, int64_t members) {
  std::vector<std::vector<float>> values(all.size());
  for (size_t index = 0; index < all.size(); ++index)
    for (int64_t member = first_member; member < first_member + members; ++member)
      values[index].push_back(static_cast<float>(value_of(all, index, seed, member)));
  return values;
}

}  // namespace shoal::runtime
