// Networks and populations of the regret report: from tiny to wide, few members to many, training and forward.
#pragma once

#include <vector>

#include "tools/bench/works.h"

namespace shoal::bench {

const std::vector<Work>& regret_pairs();

}  // namespace shoal::bench
