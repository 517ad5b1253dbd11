// The verifier of graphs: what must hold between any two passes.
#include "compiler/graph/verify.h"

#include <set>

#include "compiler/graph/names.h"
#include "compiler/graph/text.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

class Verifier {
 public:
  Verifier(const Graph& graph, std::string_view after) : graph_(graph), after_(after) {}

  void run() {
    if (graph_.batch < 1) fail("the batch is not positive", no_node);
    for (NodeId id = 0; id < graph_.nodes.size(); ++id) node(id);
    for (const Output& each : graph_.outputs) output(each);
  }

 private:
  const Graph& graph_;
  const std::string after_;
  std::set<std::string> names_, input_names_, output_names_;
  std::set<NodeId> carried_;

  [[noreturn]] void fail(const std::string& problem, NodeId id) const {
    std::string where;
    if (id != no_node) {
      const Node& n = graph_[id];
      where = fmt::format(": %{} {} = {}(", id, n.name, prim_name(n.prim));
      for (size_t i = 0; i < n.inputs.size(); ++i) where += fmt::format("{}%{}", i ? ", " : "", n.inputs[i]);
      where += fmt::format(") of {}{}", dtype_name(n.dtype), shape_text(n.shape));
    }
    throw InternalError(fmt::format("internal error: graph {} after {}: {}{}", graph_.name, after_, problem, where));
  }

  void node(NodeId id) {
    const Node& n = graph_[id];
    for (NodeId input : n.inputs)
      if (input >= id) fail("an input does not precede its user", id);
    Node derived{.prim = n.prim, .inputs = n.inputs, .attrs = n.attrs};
    try {
      derive(graph_, derived);
    } catch (const SpecError& error) {
      fail(error.what(), id);
    }
    if (derived.shape != n.shape) fail("the shape should be " + shape_text(derived.shape), id);
    if (derived.dtype != n.dtype) fail("the type should be " + std::string(dtype_name(derived.dtype)), id);
    if (derived.varies != n.varies) fail("the axes it varies over are wrong", id);
    if (!n.name.empty()) {
      if (!is_identifier(n.name)) fail("the name is no identifier", id);
      if (!names_.insert(n.name).second) fail("two nodes have the same name", id);
    }
    if (n.prim == Prim::input && !input_names_.insert(n.attrs.name).second) fail("two inputs have the same name", id);
  }

  void output(const Output& each) {
    if (each.name.empty()) fail("an output has no name", no_node);
    if (each.value >= graph_.nodes.size()) fail("output " + each.name + " does not exist", no_node);
    if (each.state == no_node) {
      if (!output_names_.insert(each.name).second) fail("two outputs are named " + each.name, each.value);
      return;
    }
    if (each.state >= graph_.nodes.size() || graph_[each.state].prim != Prim::input)
      fail("output " + each.name + " is carried to no input", each.value);
    if (!carried_.insert(each.state).second) fail("an input has two next values", each.state);
    const Node &state = graph_[each.state], &value = graph_[each.value];
    if (state.shape != value.shape || state.dtype != value.dtype)
      fail("the next value of " + each.name + " has another shape or type than its state", each.value);
    if (!state.varies.covers(value.varies))
      fail("the next value of " + each.name + " varies over more than its state", each.value);
  }
};

}  // namespace

void verify(const Graph& graph, std::string_view after) { Verifier(graph, after).run(); }

}  // namespace shoal
