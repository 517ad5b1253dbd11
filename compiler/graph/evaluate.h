// The evaluator: what a graph MEANS, in double precision, one population at a time. Slow and obvious on purpose.
#pragma once

#include <map>

#include "compiler/graph/graph.h"

namespace shoal {

// A dense array [members if varies.member][samples if varies.sample][unit shape...], row-major, in double.
// Integers and booleans are held as doubles.
struct Array {
  std::vector<double> values;
};

struct Evaluation {
  int64_t members = 1;
  int64_t step = 0;                          // value of the `step` primitive
  std::map<std::string, Array> inputs = {};  // by input name; a missing one throws SpecError
};

// Values of all outputs by name (the outputs of a `next` too, under the output's name).
std::map<std::string, Array> evaluate(const Graph&, const Evaluation&);

}  // namespace shoal
