// Scope: how ops, programs and the DSL write graphs; values with operators, and broadcasting of unit shapes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/graph/graph.h"
#include "compiler/graph/unique_names.h"

namespace shoal {

class Scope;

// A node of the scope's graph. Copyable; valid as long as the graph.
struct Value {
  Scope* scope = nullptr;
  NodeId id = no_node;
  const Shape& shape() const;
  Varies varies() const;
  DType dtype() const;
};

// Binary operators broadcast unit shapes as NumPy does (aligned at the last dimension, extent 1 repeats), by inserting
// reshape and broadcast nodes; numbers become constants of the other operand's dtype.
Value operator+(Value, Value);
Value operator-(Value, Value);
Value operator*(Value, Value);
Value operator/(Value, Value);
Value operator-(Value);
Value operator+(Value, double);
Value operator-(Value, double);
Value operator*(Value, double);
Value operator/(Value, double);
Value operator+(double, Value);
Value operator-(double, Value);
Value operator*(double, Value);
Value operator/(double, Value);
Value operator<(Value, Value);
Value operator<=(Value, Value);
Value equal(Value, Value);
Value max(Value, Value);
Value max(double, Value);  // max(0, x): a NaN x comes through
Value min(Value, Value);
Value abs(Value);
Value floor(Value);
Value sqrt(Value);
Value exp(Value);
Value log(Value);
Value tanh(Value);
Value sigmoid(Value);
Value erf(Value);
Value sin(Value);
Value cos(Value);
Value logical_not(Value);
Value logical_and(Value, Value);
Value logical_or(Value, Value);
Value select(Value condition, Value a, Value b);
Value select(Value condition, Value a, double b);
Value cast(Value, DType);
Value stop_gradient(Value);
Value rem(Value, Value);
Value rem(Value, double);

Value reshape(Value, Shape);
Value transpose(Value, std::vector<int64_t> dims);
Value broadcast_to(Value, const Shape&);  // NumPy rule
Value slice(Value, std::vector<int64_t> low, Shape extents);
Value pad(Value, std::vector<int64_t> low, std::vector<int64_t> high, double value = 0);
Value concat(const std::vector<Value>&, int64_t dim);
Value gather(Value table, Value i);
Value shuffle(Value i, Value key, Value epoch, int64_t n);
Value window(Value, std::vector<int64_t> dims, std::vector<int64_t> kernel, std::vector<int64_t> stride,
             std::vector<int64_t> low, std::vector<int64_t> high, double value = 0);
// Sums (or max, min) over the given unit dimensions; `all` of them when empty.
Value reduce(Reduction, Value, std::vector<int64_t> dims = {});
Value sum_samples(Value);   // sum over the sample axis only
Value mean_samples(Value);  // the same divided by the batch
// What the in-loop value is in the final iteration of its loop, and in every one: [T, ...]. Nothing may be added to the
// loop afterwards.
Value last(Value);
Value collect(Value);
Value contract(Value a, std::string a_letters, Value b, std::string b_letters, std::string out_letters,
               bool over_sample = false);

// A parameter that an op asks for: what `weights.npz` stores and an initializer fills.
struct Parameter {
  std::string name = {};         // "0.weight"
  Shape shape = {};              // PyTorch's layout: weight is [out, in]
  std::string initializer = {};  // JSON text of the initializer, e.g. {"kaiming_uniform":{}}
  int64_t fan_in = 1, fan_out = 1;
  NodeId node = no_node;
};

class Scope {
 public:
  explicit Scope(Graph& graph) : graph_(graph) {}
  Graph& graph() { return graph_; }

  Value constant(double value, DType dtype = DType::f32);
  Value index(Shape shape, int64_t dim);
  Value position();
  Value step();
  // A loop over time; its number. Nodes with an operand in it are in it; gather(x, time(loop)) reads slice t of [T,
  // ...].
  int32_t loop(int64_t extent, bool reversed = false);
  Value time(int32_t loop);
  Value carry(int32_t loop, Value initial, Varies varies);
  void advance(Value carry, Value next);  // the carry is `next` in the next iteration
  Value input(std::string name, Role role, Shape shape, Varies varies, DType dtype = DType::f32);
  // An input of Role::parameter that varies over member, named prefix() + "." + name, and its entry in parameters().
  Value parameter(std::string name, Shape shape, std::string initializer, int64_t fan_in, int64_t fan_out);
  // A carried value of Role::state that varies over member (moments of an optimizer).
  Value state(std::string name, Shape shape);
  void next(Value state, Value value);  // the carried input `state` becomes `value` at the end of the step
  void output(std::string name, Value value);
  Value name(std::string_view readable, Value value);  // names the node for texts and emitted code, made unique

  const std::string& prefix() const { return prefix_; }
  void set_prefix(std::string prefix) { prefix_ = std::move(prefix); }  // of the layer being expanded: "0", "encoder"
  void store_parameters_as(DType storage) { parameter_storage_ = storage; }  // of those to come; f32 at first
  const std::vector<Parameter>& parameters() const { return parameters_; }

  Value add(Node node);  // any primitive

 private:
  Graph& graph_;
  UniqueNames names_;
  std::string prefix_;
  DType parameter_storage_ = DType::f32;
  std::vector<Parameter> parameters_;
};

}  // namespace shoal
