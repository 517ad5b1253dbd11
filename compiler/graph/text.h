// The text of a graph: printing, and the small language in which users write formulas.
//
//   graph digits batch=32
//   x = input(name="x", role=data, shape=[64], varies=sample)
//   h = contract(x, w, a="i", b="oi", out="o")
//   y = max(0, h + bias)                       # infix, numbers and nested calls are accepted on input
//   out logits = y
//   next w = w2                                # the carried input w becomes w2 when the step ends
//
// A loop over time stands before the nodes, what its carries become in the next iteration after them:
//
//   loop 0 extent=16 reversed
//   advance h = h2
//
// parse_graph(print(g)) equals g node for node, names, attributes, loops and outputs included. Grammar in
// docs/graph.md.
#pragma once

#include "compiler/graph/graph.h"

namespace shoal {

// One node a line, as `name: ` free text; unnamed nodes print as %<index>. Deterministic.
std::string print(const Graph&);

// Throws SpecError with place "graph:<line>:<column>".
Graph parse_graph(std::string_view text);

// Appends the nodes of one expression ("x * sigmoid(x)") in which `names` are bound to `values`; returns the result's
// id. Binary operators + - * /, unary -, comparisons < <= > >= ==, numbers, calls of primitives by name, and the
// functions relu, softplus, square, where as conveniences. Throws SpecError with place "expression:<column>".
NodeId parse_expression(Graph&, std::string_view text, const std::vector<std::string>& names,
                        const std::vector<NodeId>& values);

}  // namespace shoal
