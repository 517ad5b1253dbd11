// Cycles of a CPU with vectors, in the proportions of kernel/cost.h: what binding compares tiles and lanes by.
#pragma once

#include <algorithm>

namespace shoal::plan::vector_cycles {

constexpr double arithmetic = 0.5, load = 0.55, shuffle = 1.2;  // of one vector
constexpr double interference = 0.65;  // share of the less busy of the two that is not hidden behind the other
constexpr double latency = 4;          // of a sum

// Of one step of a sum, whose operations and loads (cycles of each) do not wait for one another.
inline double of_step(double operations, double loads, double shuffles = 0) {
  const double busiest = std::max({operations, loads, shuffles});
  return std::max(busiest + interference * std::min(operations, loads), latency);
}

}  // namespace shoal::plan::vector_cycles
