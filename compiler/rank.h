// rank: lowers the candidates of choose, predicts the time of each from its kernel, and orders them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/compile.h"
#include "compiler/plan/choose.h"
#include "compiler/plan/schedule.h"

namespace shoal {

// What is in force, and the reasons, one a line.
struct Choice {
  plan::Schedule schedule;
  std::string why;
};

// The schedule given in `options`, else the best candidate. Throws SpecError for a given one that cannot be read.
Choice choose_schedule(const Graph&, const Target&, const Options&);

// The line of the reasons that says why products are computed in f32, where the graph permits less.
std::string computed_in_f32(Precision permitted, std::string_view reason);

struct Ranked {
  plan::Candidate candidate;
  plan::Counts counts;
  plan::Prediction prediction;
};

// The candidates that choose considers, the fastest by prediction first; at least one.
std::vector<Ranked> rank(const Graph&, const Target&, int64_t members);
// All that are worth measuring on this machine, likewise.
std::vector<Ranked> rank_wider(const Graph&, const Target&, int64_t members);

}  // namespace shoal
