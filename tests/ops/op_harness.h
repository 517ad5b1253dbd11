// One op in a graph of its own: its output, a scalar made of it, and the scalar's gradients, evaluated in double.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/graph/evaluate.h"
#include "compiler/ops/op.h"

namespace shoal::test {

// A graph with outputs "y" (if there is one), "scalar" (rank 0) and "d:<input>" for every differentiable input.
struct OpGraph {
  Graph graph;
  std::vector<std::string> differentiable;  // names of inputs: "in0", ..., then parameters
  std::map<std::string, Array> run(const std::map<std::string, Array>& inputs) const;
};

// scalar = sum over samples and units of y * "cotangent".
OpGraph layer_graph(const Layer&, const std::vector<Shape>& inputs, int64_t batch);
// scalar = mean over samples of the loss of "in0" against "target".
OpGraph loss_graph(const Loss&, const Shape& prediction, int64_t batch);

// Every sample of every layer, activation and loss, forward and gradients, simplified as programs are.
struct OpCase {
  std::string name;  // the op's text
  Graph graph;
};
std::vector<OpCase> op_cases(int64_t batch);

// Reproducible numbers of about unit size, no two alike.
std::vector<double> numbers(int64_t count, uint32_t seed);
// Elements of the input of this name, for one member.
int64_t input_elements(const Graph&, const std::string& name);

// Compares element by element: |got - want| <= absolute + relative * |want|; a failure says which element of `what`.
void expect_close(const std::string& what, const std::vector<double>& got, const std::vector<double>& want,
                  double relative, double absolute);

}  // namespace shoal::test
