// rank: lowers the candidates of choose, predicts the time of each from its kernel, and takes the fastest.
#pragma once

#include <string>

#include "compiler/compile.h"
#include "compiler/plan/schedule.h"

namespace shoal {

// What is in force, and the reasons, one a line.
struct Choice {
  plan::Schedule schedule;
  std::string why;
};

// The schedule given in `options`, else the best candidate. Throws SpecError for a given one that cannot be read.
Choice choose_schedule(const Graph&, const Target&, const Options&);

}  // namespace shoal
