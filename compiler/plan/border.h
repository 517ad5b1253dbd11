// Borders around what windows reach beyond.
#pragma once

#include "compiler/plan/plan.h"

namespace shoal::plan {

// CPU, before bind(): values that guarded windows read get copies with a border of the fill value, and the guards go.
void border(Plan& plan);

}  // namespace shoal::plan
