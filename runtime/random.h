// Random numbers of populations: every number is a pure function of (seed, member, purpose, index), so that a member
// draws the same whatever the population's size, the schedule, the threads and the device.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shoal {

// A purpose is a text, hashed to 64 bits (XXH3): "parameter/0.weight". Philox is keyed by the seed, and its counter is
// (index / 4, member, purpose low, purpose high), so that streams of different purposes or members never meet.
struct RandomStream {
  uint64_t seed = 0, purpose = 0;
};
RandomStream random_stream(uint64_t seed, std::string_view purpose);

uint32_t random_bits(RandomStream, uint32_t member, uint64_t index);  // index below 2^34
// In (0, 1), one of 2^32 values spaced evenly, in double.
double random_uniform(RandomStream, uint32_t member, uint64_t index);
// Standard normal by Box and Muller's transform of the uniforms of the index pair (2i, 2i + 1). Uses no function of
// libm but sqrt, which IEEE 754 defines to the last bit: the same on every platform.
double random_normal(RandomStream, uint32_t member, uint64_t index);

// What fills a parameter at the start.
struct InitialDistribution {
  enum class Kind : uint8_t { constant, uniform, normal } kind = Kind::constant;
  double a = 0;  // constant: the value; uniform: the low end; normal: the mean
  double b = 0;  // uniform: the high end; normal: the standard deviation
};

// Fills out[(m - first_member) * elements + e] for the members m in [first_member, last_member), keyed by (seed, m,
// "parameter/" + name, e). Arithmetic is in double and rounded once, to f32 (so a uniform may come out as its end b).
void fill(const InitialDistribution&, uint64_t seed, std::string_view parameter, int64_t elements, int64_t first_member,
          int64_t last_member, float* out);

// The key of a member's sample order.
uint32_t order_key(uint64_t seed, uint32_t member);

// A hyperparameter that differs between members.
struct Varied {
  enum class Kind : uint8_t { uniform, log_uniform, choice, grid } kind = Kind::uniform;
  double low = 0, high = 0;    // uniform, log_uniform
  std::vector<double> values;  // choice: drawn with equal chances; grid: members take them in turn
};

// The value of hyperparameter `name` for a member; independent from member to member and name to name. log_uniform
// uses exp and log of libm in double; after rounding to f32 platforms agree but for a rare last bit.
// Throws SpecError at `name` for an empty list, ends in the wrong order, or ends that are not finite (log: not
// positive).
double varied_value(const Varied&, uint64_t seed, const std::string& name, uint32_t member);

}  // namespace shoal
