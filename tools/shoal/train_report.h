// What `shoal train` says before, during and after: for people on the terminal, or as one JSON object.
#pragma once

#include <string>

#include "frontend/json/json.h"
#include "runtime/training.h"
#include "tools/shoal/spec_file.h"

namespace shoal::command {

struct TrainOutcome {
  bool finished = false;
  double first_step_seconds = 0;  // spent before this run, by an earlier one that was resumed
  int64_t first_step = 0;         // 0 unless resumed
  runtime::Scores ensemble;       // one value for each name; empty when there was nothing to score
  std::string scored_on;          // "validation" or "training" data
  std::string out;                // run directory; empty: none
};

std::string start_text(const Spec&, const SpecData&, const runtime::Training&, const Device&);
std::string end_text(const Spec&, const runtime::Training&, const TrainOutcome&);
json::Json report_json(const Spec&, const runtime::Training&, const Device&, const TrainOutcome&);

}  // namespace shoal::command
