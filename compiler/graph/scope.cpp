// The scope: nodes made by named methods, kept readable by names that are unique in the graph.
#include "compiler/graph/scope.h"

#include "compiler/graph/loops.h"
#include "compiler/support/error.h"

namespace shoal {

const Shape& Value::shape() const { return scope->graph()[id].shape; }
Varies Value::varies() const { return scope->graph()[id].varies; }
DType Value::dtype() const { return scope->graph()[id].dtype; }

Value Scope::add(Node node) { return {this, graph_.add(std::move(node))}; }

Value Scope::constant(double value, DType dtype) {
  return add({.prim = Prim::constant, .attrs = {.value = value, .dtype = dtype}});
}

Value Scope::index(Shape shape, int64_t dim) {
  return add({.prim = Prim::index, .attrs = {.shape = std::move(shape), .dim = dim}});
}

Value Scope::position() { return add({.prim = Prim::position}); }
Value Scope::step() { return add({.prim = Prim::step}); }

int32_t Scope::loop(int64_t extent, bool reversed) {
  if (extent < 1) throw SpecError("graph", fmt::format("a loop of {} iterations", extent));
  graph_.loops.push_back({.extent = extent, .reversed = reversed});
  return static_cast<int32_t>(graph_.loops.size() - 1);
}

Value Scope::time(int32_t loop) { return add({.prim = Prim::time, .attrs = {.loop = loop}}); }

Value Scope::carry(int32_t loop, Value initial, Varies varies) {
  return add({.prim = Prim::carry, .inputs = {initial.id}, .attrs = {.varies = varies, .loop = loop}});
}

void Scope::advance(Value carry, Value next) {
  const Node& node = graph_[carry.id];
  check(node.prim == Prim::carry, "advance: only a carry has a value in the next iteration");
  if (next.shape() != node.shape || next.dtype() != node.dtype)
    throw SpecError("graph", fmt::format("a carried value of {}{} advances to {}{}", dtype_name(node.dtype),
                                         shape_text(node.shape), dtype_name(next.dtype()), shape_text(next.shape())));
  if (!node.varies.covers(next.varies()))
    throw SpecError("graph", "a carried value advances to one that varies over more axes");
  for (const Loop::Carried& other : graph_.loops[node.attrs.loop].carried)
    if (other.carry == carry.id) throw SpecError("graph", "a carried value advances twice");
  graph_.loops[node.attrs.loop].carried.push_back({.carry = carry.id, .next = next.id});
}

Value last(Value x) {
  return x.scope->add({.prim = Prim::last, .inputs = {x.id}, .attrs = {.loop = loop_of(x.scope->graph())[x.id]}});
}

Value collect(Value x) {
  return x.scope->add({.prim = Prim::collect, .inputs = {x.id}, .attrs = {.loop = loop_of(x.scope->graph())[x.id]}});
}

Value Scope::input(std::string input_name, Role role, Shape shape, Varies varies, DType dtype) {
  if (names_.has_input(graph_, input_name))
    throw SpecError("graph", fmt::format("there is already an input named \"{}\"", input_name));
  std::string readable = names_.make(graph_, input_name);
  return add(
      {.prim = Prim::input,
       .attrs =
           {.name = std::move(input_name), .role = role, .dtype = dtype, .varies = varies, .shape = std::move(shape)},
       .name = std::move(readable)});
}

Value Scope::parameter(std::string parameter_name, Shape shape, std::string initializer, int64_t fan_in,
                       int64_t fan_out) {
  std::string full = prefix_.empty() ? std::move(parameter_name) : prefix_ + "." + parameter_name;
  Value value = input(full, Role::parameter, shape, {.member = true}, parameter_storage_);
  parameters_.push_back({.name = std::move(full),
                         .shape = std::move(shape),
                         .initializer = std::move(initializer),
                         .fan_in = fan_in,
                         .fan_out = fan_out,
                         .node = value.id});
  return value;
}

Value Scope::state(std::string state_name, Shape shape) {
  return input(std::move(state_name), Role::state, std::move(shape), {.member = true});
}

void Scope::next(Value state, Value value) {
  const Node& node = graph_[state.id];
  check(node.prim == Prim::input, "next: only an input can be carried");
  if (node.attrs.dtype != node.dtype)
    throw SpecError("graph", fmt::format("{} is stored as {}, which only what is never replaced may be",
                                         *node.attrs.name, dtype_name(node.attrs.dtype)));
  if (value.shape() != node.shape || value.dtype() != node.dtype)
    throw SpecError(
        "graph", fmt::format("the next value of {} is {}{}, expected {}{}", *node.attrs.name, dtype_name(value.dtype()),
                             shape_text(value.shape()), dtype_name(node.dtype), shape_text(node.shape)));
  if (!node.varies.covers(value.varies()))
    throw SpecError("graph", fmt::format("the next value of {} varies over more axes than it does", *node.attrs.name));
  for (const Output& other : graph_.outputs)
    if (other.state == state.id) throw SpecError("graph", fmt::format("{} has two next values", *node.attrs.name));
  graph_.outputs.push_back({.name = node.attrs.name, .value = value.id, .state = state.id});
}

void Scope::output(std::string output_name, Value value) {
  for (const Output& other : graph_.outputs)
    if (other.state == no_node && other.name == output_name)
      throw SpecError("graph", fmt::format("there is already an output named \"{}\"", output_name));
  graph_.outputs.push_back({.name = std::move(output_name), .value = value.id});
}

Value Scope::name(std::string_view readable, Value value) {
  Node& node = graph_.nodes[value.id];
  if (node.name.empty()) node.name = names_.make(graph_, readable);
  return value;
}

}  // namespace shoal
