// The readers of a spec's sections. Each gets the place of its section and fails with a SpecError.
#pragma once

#include "frontend/json/cursor.h"
#include "frontend/json/spec.h"

namespace shoal::json {

std::vector<Formula> read_define(const Cursor&);
Network read_network(const Cursor&, const std::vector<Formula>&);
Training read_training(const Cursor&);
// Values to vary are checked against the fields of the model's optimizer and loss.
Population read_population(const Cursor&, const Model&);
Data read_data(const Cursor&);

}  // namespace shoal::json
