// Ops as the rest of the compiler and the front ends see them: kinds, a registry, fields by name, and expansion into
// primitives. How one is written stands in define_op.h; all of them are listed in list.inc.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/graph/scope.h"
#include "compiler/ops/field.h"

namespace shoal {

enum class OpKind : uint8_t { layer, activation, loss, optimizer, initializer, metric };
std::string_view op_kind_name(OpKind);  // "layer", "activation", ...

struct Doc {
  std::string_view name, text;
};

class Op;

// A configuration for the test harness, with the unit shapes of its inputs (a loss or metric: of the prediction).
struct OpSample {
  std::shared_ptr<const Op> op;
  std::vector<Shape> inputs;
};

// A row of the registry. Activations are layers (class Layer) that keep the shape; they only stand in a folder of their
// own.
struct OpInfo {
  OpKind kind = OpKind::layer;
  std::string name, doc;
  std::vector<FieldInfo> fields;
  bool many_inputs = false;  // a layer that combines two or more values (add, concat)
  std::unique_ptr<Op> (*make)() = nullptr;
  std::vector<OpSample> (*samples)() = nullptr;
  const FieldInfo* field(std::string_view name) const;  // nullptr when there is none
};

const std::vector<OpInfo>& all_ops();                  // in the order of list.inc
const OpInfo* find_op(OpKind, std::string_view name);  // nullptr when there is none
const OpInfo* find_layer(std::string_view name);       // layers and activations
std::vector<std::string> op_names(OpKind);             // for nearest_name
std::vector<std::string> layer_names();                // layers and activations

std::string unknown_field(const OpInfo&, std::string_view field);  // the message of Op::set

// One configured op. Front ends make it, set its fields, then share it as const.
class Op {
 public:
  virtual ~Op() = default;
  virtual const OpInfo& info() const = 0;
  // Sets a field. A problem is a message such as `expected a positive integer, got 0` or `no such field; did you mean
  // "units"?`; the caller puts the place before it.
  virtual Problem set(std::string_view field, const FieldValue&) = 0;
  virtual FieldValue get(std::string_view field) const = 0;  // throws InternalError for an unknown name
  // The first required field that nobody has set.
  virtual std::optional<std::string> missing() const = 0;
  // {"dense":{"units":32}}: canonical JSON with the fields that differ from their defaults.
  std::string text() const;
};

// Layers and activations.
class Layer : public Op {
 public:
  // One input, or several when info().many_inputs. Parameters are named scope.prefix() + ".weight" and so on. Throws
  // SpecError with place "layer" when the shapes do not fit.
  virtual Value expand(Scope&, const std::vector<Value>& inputs) const = 0;
};

// The numeric fields of an optimizer or loss as values of the graph: a constant, or, for those that are varied over the
// population, the input `<prefix>.<field>` of Role::hyper, one value for each member.
class Hyper {
 public:
  // `varied` holds full names such as "optimizer.lr".
  Hyper(Scope& scope, std::string prefix, const Op& op, const std::vector<std::string>& varied)
      : scope_(scope), prefix_(std::move(prefix)), op_(op), varied_(varied.begin(), varied.end()) {}
  Value operator()(std::string_view field) const;
  bool is_zero(std::string_view field) const;  // constant and 0: what depends on it may be left out

 private:
  bool varied(std::string_view field) const;
  Scope& scope_;
  std::string prefix_;
  const Op& op_;
  std::set<std::string> varied_;
  mutable std::map<std::string, Value, std::less<>> inputs_;
};

// What the targets of a loss are.
enum class TargetKind : uint8_t {
  label,       // one i32 class index for each sample, in [0, units of the prediction)
  same_shape,  // f32 of the prediction's shape
};

class Loss : public Op {
 public:
  virtual TargetKind target() const = 0;
  // The loss of one sample: rank 0. A batch's loss is its mean over samples.
  virtual Value expand(Scope&, const Hyper&, Value prediction, Value target) const = 0;
};

class Metric : public Op {
 public:
  // One number for each sample, rank 0; its mean over samples is reported. `target` is what the loss gets.
  virtual Value expand(Scope&, Value prediction, Value target, TargetKind) const = 0;
};

// A parameter on its way through an optimizer.
struct Trained {
  std::string name;  // "0.weight": its states are named "optimizer.momentum.0.weight" and so on
  Value parameter, gradient;
};

class Optimizer : public Op {
 public:
  // Updates all parameters: declares states, and gives every parameter and state its next value.
  virtual void expand(Scope&, const Hyper&, const std::vector<Trained>&) const = 0;
};

// What an initializer draws each element from, independently.
struct Distribution {
  enum class Kind : uint8_t { constant, uniform, normal } kind = Kind::constant;
  double a = 0, b = 0;  // constant: a; uniform: [a, b); normal: mean a, standard deviation b
};

class Initializer : public Op {
 public:
  virtual Distribution distribution(int64_t fan_in, int64_t fan_out) const = 0;
};

// The initializer of Parameter::initializer, which is its text(). Throws SpecError with place "initializer".
InitializerRef parse_initializer(std::string_view json);

}  // namespace shoal
