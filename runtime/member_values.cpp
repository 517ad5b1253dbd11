// Writing hyperparameters and order keys to the device.
#include "runtime/member_values.h"

#include "runtime/random.h"

namespace shoal::runtime {

void set_member_values(Population& population, const std::vector<VariedHyperparameter>& varied,
                       const std::vector<std::vector<float>>& values, uint64_t seed) {
  for (size_t i = 0; i < varied.size(); ++i)
    if (population.has(varied[i].name)) population.array(varied[i].name).write<float>(values[i]);
  if (!population.has("order_key")) return;
  std::vector<int32_t> keys;
  for (int64_t member = 0; member < population.members(); ++member)
    keys.push_back(static_cast<int32_t>(order_key(seed, static_cast<uint32_t>(population.first_member() + member))));
  population.array("order_key").write<int32_t>(keys);
}

}  // namespace shoal::runtime
