// Initial parameters: the op says which distribution, runtime/random draws from it.
#include "runtime/population_initialize.h"

#include "compiler/ops/op.h"
#include "compiler/support/error.h"
#include "runtime/random.h"

namespace shoal::runtime {
namespace {

InitialDistribution initial_distribution(const Distribution& distribution) {
  switch (distribution.kind) {
    case Distribution::Kind::constant: return {InitialDistribution::Kind::constant, distribution.a, distribution.b};
    case Distribution::Kind::uniform: return {InitialDistribution::Kind::uniform, distribution.a, distribution.b};
    case Distribution::Kind::normal: return {InitialDistribution::Kind::normal, distribution.a, distribution.b};
  }
  throw InternalError("internal error: a distribution that is none");
}

}  // namespace

std::vector<float> initial_values(const Parameter& parameter, uint64_t seed, int64_t first_member, int64_t count) {
  const Distribution distribution =
      parse_initializer(parameter.initializer)->distribution(parameter.fan_in, parameter.fan_out);
  const int64_t elements = element_count(parameter.shape);
  std::vector<float> values(static_cast<size_t>(count * elements));
  fill(initial_distribution(distribution), seed, parameter.name, elements, first_member, first_member + count,
       values.data());
  return values;
}

}  // namespace shoal::runtime
