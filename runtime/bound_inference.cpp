// Checking the views of an inference, and choosing its program.
#include "runtime/bound_inference.h"

#include <algorithm>

#include "compiler/support/error.h"

namespace shoal::runtime {
namespace {

void expect_shape(const StridedView& view, const std::string& name, const Shape& expected) {
  verify(view, name);
  if (view.shape != expected)
    throw SpecError(name, fmt::format("expected a view of shape {} [members, batch, ...], got {}",
                                      io::shape_text(expected), io::shape_text(view.shape)));
}

Shape with_batch(int64_t members, int64_t batch, const Shape& unit) {
  Shape shape{members, batch};
  shape.insert(shape.end(), unit.begin(), unit.end());
  return shape;
}

PopulationProgram make_program(Population& population, const Model& model, StridedView x, const StridedView& y,
                               const std::string& schedule, Trace* trace) {
  const int64_t batch = x.shape.size() > 1 ? x.shape[1] : 1;
  expect_shape(x, "x", with_batch(population.members(), batch, model.network.input));
  expect_shape(y, "y", with_batch(population.members(), batch, output_shape(model.network)));
  for (size_t axis = 0; axis < y.shape.size(); ++axis)
    if (y.strides[axis] == 0 && y.shape[axis] > 1)
      throw SpecError("y", fmt::format("stride 0 along axis {}: outputs would overwrite each other", axis));
  const bool shared = x.strides[0] == 0;
  if (shared) {
    x.shape.erase(x.shape.begin());
    x.strides.erase(x.strides.begin());
  }
  return PopulationProgram(population, forward(model, batch, !shared, trace, HiddenState::carried), schedule, trace,
                           {{"x", x}, {"y", y}});
}

}  // namespace

BoundInference::BoundInference(Population& population, const Model& model, const StridedView& x, const StridedView& y,
                               const std::string& schedule, Trace* trace)
    : program_(make_program(population, model, x, y, schedule, trace)), members_(population.members()) {
  const Graph& graph = program_.program().graph;
  for (const Output& output : graph.outputs)
    if (output.state != no_node) states_.push_back(&program_.array(graph[output.state].attrs.name));
}

void BoundInference::reset() {
  for (PopulationArray* state : states_) state->write_zeros();
}

void BoundInference::reset(std::span<const int64_t> members) {
  for (const int64_t member : members)
    if (member < 0 || member >= members_)
      throw SpecError("members", fmt::format("{} is none of the {} members", member, members_));
  for (PopulationArray* state : states_) state->write_zeros(members);
}

}  // namespace shoal::runtime
