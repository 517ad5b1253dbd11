// Reads the lines of one nest.
#pragma once

#include "compiler/plan/parse_line.h"
#include "compiler/plan/plan.h"

namespace shoal::plan {

// `head` stands after "nest" or "relayout"; appends an empty nest with its axes to the plan.
void parse_nest_head(Line& head, bool relayout, Plan& plan);
// A quotient, scalar or store of the plan's last nest. `values` are the names of the plan's values.
void parse_nest_line(Line& line, const std::vector<std::string>& values, Plan& plan);

}  // namespace shoal::plan
