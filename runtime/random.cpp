// Random streams, keys and varied hyperparameters: one number at a time.
#include "runtime/random.h"

#include <algorithm>
#include <cmath>

#include "compiler/support/error.h"
#include "compiler/support/hash.h"
#include "runtime/random_normal.h"
#include "runtime/random_philox.h"

namespace shoal {

namespace {

PhiloxCounter block(RandomStream stream, uint32_t member, uint64_t index) {
  return philox({static_cast<uint32_t>(index / 4), member, static_cast<uint32_t>(stream.purpose),
                 static_cast<uint32_t>(stream.purpose >> 32)},
                {static_cast<uint32_t>(stream.seed), static_cast<uint32_t>(stream.seed >> 32)});
}

void check_range(const Varied& varied, const std::string& name) {
  if (!std::isfinite(varied.low) || !std::isfinite(varied.high) || varied.low > varied.high) {
    throw SpecError(name, fmt::format("expected two finite ends in order, got {} and {}", varied.low, varied.high));
  }
}

}  // namespace

RandomStream random_stream(uint64_t seed, std::string_view purpose) { return {seed, hash128(purpose).low}; }

uint32_t random_bits(RandomStream stream, uint32_t member, uint64_t index) {
  check(index >> 34 == 0, "random index {} is not below 2^34", index);
  return block(stream, member, index)[index % 4];
}

double random_uniform(RandomStream stream, uint32_t member, uint64_t index) {
  return unit_interval(random_bits(stream, member, index));
}

double random_normal(RandomStream stream, uint32_t member, uint64_t index) {
  check(index >> 34 == 0, "random index {} is not below 2^34", index);
  PhiloxCounter bits = block(stream, member, index);
  NormalPair pair = index & 2 ? normal_pair(bits[2], bits[3]) : normal_pair(bits[0], bits[1]);
  return index & 1 ? pair.second : pair.first;
}

uint32_t order_key(uint64_t seed, uint32_t member) { return random_bits(random_stream(seed, "order"), member, 0); }

double varied_value(const Varied& varied, uint64_t seed, const std::string& name, uint32_t member) {
  double u = random_uniform(random_stream(seed, "hyper/" + name), member, 0);
  switch (varied.kind) {
    case Varied::Kind::uniform: check_range(varied, name); return varied.low * (1 - u) + varied.high * u;
    case Varied::Kind::log_uniform: {
      check_range(varied, name);
      if (varied.low <= 0)
        throw SpecError(name, fmt::format("expected positive ends for log_uniform, got {}", varied.low));
      double value = std::exp(std::log(varied.low) * (1 - u) + std::log(varied.high) * u);
      return std::clamp(value, varied.low, varied.high);  // exp(log(x)) need not be x
    }
    case Varied::Kind::choice:
    case Varied::Kind::grid: {
      if (varied.values.empty()) throw SpecError(name, "expected a list of at least one value, got an empty one");
      size_t n = varied.values.size();
      size_t i = varied.kind == Varied::Kind::grid ? member % n : static_cast<size_t>(u * static_cast<double>(n));
      return varied.values[i];
    }
  }
  throw InternalError("internal error: unknown kind of varied hyperparameter");
}

}  // namespace shoal
