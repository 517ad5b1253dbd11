// The parts that several programs are put together from. Private to this folder.
#pragma once

#include <vector>

#include "compiler/programs/programs.h"

namespace shoal {

// The network's input "x" of Role::input.
Value declare_input(Scope&, const Network&, Varies);

// A batch's samples and their targets, read from the tables "data.x" and "data.y".
struct Batch {
  Value x, y;
};
Batch read_batch(Scope&, const Model&, const Shape& output, int64_t samples, Value i);

// A target for shape checks: what "data.y" holds for one sample.
Value target_like(Scope&, const Model&, const Shape& output);

// Mean over the batch of the loss, and of each metric: rank 0.
Value batch_loss(Scope&, const Model&, Value prediction, Value target);
std::vector<Value> batch_metrics(Scope&, const Model&, Value prediction, Value target);

// Runs the optimizer on gradients that are already in the graph.
void update(Scope&, const Model&, const std::vector<Trained>&);

// Folds and prunes the scope's graph, and finds the parameters again in the result.
Program finish(ProgramKind, const Scope&, Graph, Trace*, HiddenState = HiddenState::zeros);

}  // namespace shoal
