// The verifier of graphs: what must hold between any two passes.
#include "compiler/graph/verify.h"

#include <algorithm>
#include <utility>

#include "compiler/graph/loops.h"
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
    no_name_twice(names_, "two nodes have the same name");
    no_name_twice(input_names_, "two inputs have the same name");
    for (const Output& each : graph_.outputs) output(each);
    if (!graph_.loops.empty()) loops();  // without any, what would be in one was refused above
  }

 private:
  using Named = std::pair<std::string_view, NodeId>;

  const Graph& graph_;
  const std::string after_;
  std::vector<Named> names_, input_names_;
  std::vector<std::string_view> output_names_;  // few
  std::vector<bool> carried_ = std::vector<bool>(graph_.nodes.size());

  [[noreturn]] void fail(const std::string& problem, NodeId id) const {
    std::string where;
    if (id != no_node) {
      const Node& n = graph_[id];
      where = fmt::format(": %{} {} = {}(", id, *n.name, prim_name(n.prim));
      for (size_t i = 0; i < n.inputs.size(); ++i) where += fmt::format("{}%{}", i ? ", " : "", n.inputs[i]);
      where += fmt::format(") of {}{}", dtype_name(n.dtype), shape_text(n.shape));
    }
    throw InternalError(fmt::format("internal error: graph {} after {}: {}{}", graph_.name, after_, problem, where));
  }

  void no_name_twice(std::vector<Named>& all, const std::string& problem) const {
    std::ranges::sort(all);
    const auto twice = std::ranges::adjacent_find(all, {}, &Named::first);
    if (twice != all.end()) fail(problem, (twice + 1)->second);
  }

  Derived derived_from_operands(NodeId id) const {
    try {
      return derived(graph_, graph_[id]);
    } catch (const SpecError& error) {
      fail(error.what(), id);
    }
  }

  void node(NodeId id) {
    const Node& n = graph_[id];
    for (NodeId input : n.inputs)
      if (input >= id) fail("an input does not precede its user", id);
    const Derived expected = derived_from_operands(id);
    if (expected.shape != n.shape) fail("the shape should be " + shape_text(expected.shape), id);
    if (expected.dtype != n.dtype) fail("the type should be " + std::string(dtype_name(expected.dtype)), id);
    if (expected.varies != n.varies) fail("the axes it varies over are wrong", id);
    if (!n.name.empty()) {
      if (!is_identifier(*n.name)) fail("the name is no identifier", id);
      names_.emplace_back(*n.name, id);
    }
    if (n.prim == Prim::input) input_names_.emplace_back(*n.attrs.name, id);
  }

  void output(const Output& each) {
    if (each.name.empty()) fail("an output has no name", no_node);
    if (each.value >= graph_.nodes.size()) fail("output " + each.name + " does not exist", no_node);
    if (each.state == no_node) {
      if (std::ranges::find(output_names_, each.name) != output_names_.end())
        fail("two outputs are named " + each.name, each.value);
      output_names_.push_back(each.name);
      return;
    }
    if (each.state >= graph_.nodes.size() || graph_[each.state].prim != Prim::input)
      fail("output " + each.name + " is carried to no input", each.value);
    if (carried_[each.state]) fail("an input has two next values", each.state);
    carried_[each.state] = true;
    const Node &state = graph_[each.state], &value = graph_[each.value];
    if (state.attrs.dtype != state.dtype) fail("an input stored with 16 bits is carried", each.state);
    if (state.shape != value.shape || state.dtype != value.dtype)
      fail("the next value of " + each.name + " has another shape or type than its state", each.value);
    if (!state.varies.covers(value.varies))
      fail("the next value of " + each.name + " varies over more than its state", each.value);
  }
  void loops() {
    std::vector<int32_t> loop_of;
    for (NodeId id = 0; id < graph_.nodes.size(); ++id) {
      try {
        loop_of.push_back(loop_of_node(graph_[id], loop_of));
      } catch (const SpecError& error) {
        fail(error.what(), id);
      }
    }
    std::vector<NodeId> left(graph_.loops.size(), no_node);  // the first node that the loop's values leave by
    for (NodeId id = 0; id < graph_.nodes.size(); ++id) {
      const Node& n = graph_[id];
      if (loop_of[id] >= 0 && left[loop_of[id]] != no_node)
        fail("a node of a loop follows a last or collect of it", id);
      if (n.prim == Prim::carry && loop_of[n.inputs[0]] != -1) fail("an initial value is in a loop", id);
      if (n.prim != Prim::last && n.prim != Prim::collect) continue;
      if (loop_of[n.inputs[0]] != n.attrs.loop) fail("the operand is not in the loop", id);
      if (left[n.attrs.loop] == no_node) left[n.attrs.loop] = id;
    }
    std::vector<bool> advanced(graph_.nodes.size());
    for (size_t l = 0; l < graph_.loops.size(); ++l) {
      if (graph_.loops[l].extent < 1) fail(fmt::format("loop {} has no iterations", l), no_node);
      for (const auto& [carry, next] : graph_.loops[l].carried) carried(static_cast<int32_t>(l), carry, next, loop_of);
      for (const auto& each : graph_.loops[l].carried) {
        if (advanced[each.carry]) fail("a carry advances twice", each.carry);
        advanced[each.carry] = true;
      }
    }
    for (NodeId id = 0; id < graph_.nodes.size(); ++id)
      if (graph_[id].prim == Prim::carry && !advanced[id]) fail("a carry never advances", id);
    for (const Output& each : graph_.outputs)
      if (loop_of[each.value] != -1) fail("output " + each.name + " is in a loop", each.value);
  }

  void carried(int32_t loop, NodeId carry, NodeId next, const std::vector<int32_t>& loop_of) const {
    if (carry >= graph_.nodes.size() || next >= graph_.nodes.size()) fail("a carried value does not exist", no_node);
    if (graph_[carry].prim != Prim::carry || graph_[carry].attrs.loop != loop) fail("no carry of its loop", carry);
    if (loop_of[next] != loop) fail("a carry advances to a value outside its loop", next);
    if (next <= carry) fail("a carry advances to a value that does not follow it", next);
    if (graph_[next].shape != graph_[carry].shape || graph_[next].dtype != graph_[carry].dtype)
      fail("a carry advances to another shape or type", next);
    if (!graph_[carry].varies.covers(graph_[next].varies)) fail("a carry advances to more axes than its own", next);
  }
};

}  // namespace

void verify(const Graph& graph, std::string_view after) { Verifier(graph, after).run(); }

}  // namespace shoal
