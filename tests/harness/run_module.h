// Runs a compiled module on a device with the inputs of an evaluation, and gives back what the graph evaluator would.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compiler/compile.h"
#include "compiler/graph/evaluate.h"
#include "runtime/device.h"

namespace shoal::harness {

// Host memory of one argument, in the module's layout: f32 or i32 bits, or two f16 or bf16 in a word.
using Words = std::vector<uint32_t>;

// Runs all groups of a module over host memory.
using Executor = std::function<void(const Module&, std::vector<Words>& buffers, const std::vector<int32_t>& scalars)>;

Executor on_device(Device& device);
Executor in_interpreter(uint64_t order_seed);  // finds races, whatever target the module was made for

// Packs the inputs, runs `steps` steps from evaluation.step on, unpacks. Inputs are rounded to what they are stored as.
// The result has the names of `graph`'s outputs; for a `next` it is the carried input after the steps.
std::map<std::string, Array> run_module(const Module& module, const Graph& graph, const Evaluation& evaluation,
                                        int steps, const Executor& executor);

// The same by the graph evaluator in double: `steps` evaluations, carried inputs fed back.
std::map<std::string, Array> run_reference(const Graph& graph, Evaluation evaluation, int steps);

// Inputs for any graph: f32 uniform in [-1, 1], rounded to what they are stored as, i32 in [0, rows) where the input
// feeds a gather or stands for labels, keys arbitrary, carried states zero. Deterministic in `seed`.
Evaluation random_inputs(const Graph& graph, int64_t members, uint64_t seed);

// Largest |a - b| / (atol + rtol * |b|) over all outputs; above 1 is a failure. NaN against NaN counts as 0. `where`
// names the worst element.
double worst_error(const std::map<std::string, Array>& got, const std::map<std::string, Array>& expected, double atol,
                   double rtol, std::string* where);

}  // namespace shoal::harness
