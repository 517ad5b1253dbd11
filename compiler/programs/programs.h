// Programs: the graphs that are compiled, put together from a model, a loss, an optimizer and the passes.
#pragma once

#include <string>
#include <vector>

#include "compiler/graph/graph.h"
#include "compiler/graph/scope.h"
#include "compiler/programs/network.h"
#include "compiler/support/trace.h"

namespace shoal {

enum class ProgramKind : uint8_t { forward, train, evaluate };
std::string_view program_kind_name(ProgramKind);

struct Program {
  ProgramKind kind = ProgramKind::forward;
  Graph graph;                        // verified, folded, without dead or double nodes
  std::vector<Parameter> parameters;  // in the order of the layers; `node` is their input in `graph`
};

// Where stateful layers (rnn, gru) start: every launch from zeros, or from the state that the launch before it left in
// the inputs "<layer>.h" [units] of each member and sample.
enum class HiddenState : uint8_t { zeros, carried };

// Input "x" (varies over sample, or member and sample), parameters; output "y" for each member and sample.
Program forward(const Model&, int64_t batch, bool input_varies_over_member, Trace* = nullptr,
                HiddenState = HiddenState::zeros);

struct TrainOptions {
  int64_t samples = 1;         // N, of the data set
  int64_t batch = 1;           // B, at most N
  int64_t explicit_steps = 0;  // S > 0: sample indices come from the input "order", [S * B]; 0: shuffled
};

// One training step. Inputs "data.x" [N, input...] and "data.y" ([N] i32 labels, or [N, output...]), of Role::data,
// which vary over nothing; parameters and states, carried; hyperparameters that vary, "optimizer.lr"; and for the
// sample order
//   shuffled: "order_key" (i32, a value for each member). An epoch has max(1, N / B) steps, the remainder is dropped;
//             every epoch has a new order. B == N reads the whole set in its own order and has no key.
//   explicit: "order" (i32, member, [S * B]): position p of step t reads sample order[(t % S) * B + p].
// States "loss_sum" and "<metric>_sum" (rank 0) add up the batch means: the runtime zeroes them before a launch and
// divides by its steps. The mean loss is taken before the step's update, as training loops report it.
Program train(const Model&, const TrainOptions&, Trace* = nullptr);

// Outputs "loss" and "<metric>" (rank 0, for each member): means over all N samples of "data.x" and "data.y".
Program evaluate(const Model&, int64_t samples, Trace* = nullptr);

}  // namespace shoal
