// The named works of the benchmark: specs and population sizes on which peers are measured too.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace shoal::bench {

struct Work {
  std::string name;
  std::string spec;        // JSON, with batch (of training) and members
  bool train = true;       // else one forward pass of `batch` samples a member
  int64_t samples = 1024;  // of the data set
  int64_t batch = 1;       // of a forward pass; training has that of its spec
};

const std::vector<Work>& all_works();

}  // namespace shoal::bench
