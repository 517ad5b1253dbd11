// How an op is written: a struct with `doc`, `fields`, `expand` (or what its kind asks for) and `samples`, and one line
// SHOAL_DEFINE_<KIND>(Struct) that makes it a row of the registry. Included by the ops' own files only.
#pragma once

#include <tuple>
#include <utility>

#include "compiler/ops/op.h"
#include "compiler/support/error.h"

namespace shoal {

// Default values of initializer fields: the named initializer with its own defaults.
InitializerRef default_initializer(std::string_view name);

// What T::samples() returns.
template <typename T>
using Samples = std::vector<std::pair<T, std::vector<Shape>>>;

// The field machinery that all kinds share: T is the op's struct, Base its kind's interface.
template <typename T, typename Base>
class Configured : public Base {
 public:
  Configured() = default;
  explicit Configured(T op) : op_(std::move(op)) { assigned_.fill(true); }

  Problem set(std::string_view field, const FieldValue& value) override {
    bool known = false;
    Problem problem;
    each_field([&](size_t i, const auto& f) {
      if (f.name != field) return;
      known = true;
      problem = assign_field(this->info().fields[i], value, &(op_.*f.member));
      if (!problem) assigned_[i] = true;
    });
    return known ? problem : unknown_field(this->info(), field);
  }

  FieldValue get(std::string_view field) const override {
    std::optional<FieldValue> value;
    each_field([&](size_t, const auto& f) {
      if (f.name == field) value = read_field(op_.*f.member);
    });
    check(value.has_value(), "{} has no field {}", this->info().name, field);
    return *value;
  }

  std::optional<std::string> missing() const override {
    std::optional<std::string> first;
    each_field([&](size_t i, const auto& f) {
      if (!first && f.limits.required && !assigned_[i]) first = f.name;
    });
    return first;
  }

  // Calls visit(position, field) for every field of T.
  template <typename Visit>
  static void each_field(Visit visit) {
    std::apply(
        [&](const auto&... f) {
          [[maybe_unused]] size_t i = 0;
          (visit(i++, f), ...);
        },
        T::fields);
  }

 protected:
  T op_;

 private:
  std::array<bool, std::tuple_size_v<decltype(T::fields)>> assigned_{};
};

template <typename T>
concept Combines = requires(const T& op, Scope& scope, const std::vector<Value>& inputs) { op.expand(scope, inputs); };

template <typename T>
struct LayerOf : Configured<T, Layer> {
  using Configured<T, Layer>::Configured;
  const OpInfo& info() const override;
  Value expand(Scope& scope, const std::vector<Value>& inputs) const override {
    if constexpr (Combines<T>) {
      return this->op_.expand(scope, inputs);
    } else {
      check(inputs.size() == 1, "{} takes one input", this->info().name);
      return this->op_.expand(scope, inputs[0]);
    }
  }
};

template <typename T>
struct LossOf : Configured<T, Loss> {
  using Configured<T, Loss>::Configured;
  const OpInfo& info() const override;
  TargetKind target() const override { return T::target; }
  Value expand(Scope& scope, const Hyper& hyper, Value prediction, Value target_value) const override {
    return this->op_.expand(scope, hyper, prediction, target_value);
  }
};

template <typename T>
struct MetricOf : Configured<T, Metric> {
  using Configured<T, Metric>::Configured;
  const OpInfo& info() const override;
  Value expand(Scope& scope, Value prediction, Value target, TargetKind kind) const override {
    return this->op_.expand(scope, prediction, target, kind);
  }
};

template <typename T>
struct OptimizerOf : Configured<T, Optimizer> {
  using Configured<T, Optimizer>::Configured;
  const OpInfo& info() const override;
  void expand(Scope& scope, const Hyper& hyper, const std::vector<Trained>& trained) const override {
    this->op_.expand(scope, hyper, trained);
  }
};

template <typename T>
struct InitializerOf : Configured<T, Initializer> {
  using Configured<T, Initializer>::Configured;
  const OpInfo& info() const override;
  Distribution distribution(int64_t fan_in, int64_t fan_out) const override {
    return this->op_.distribution(fan_in, fan_out);
  }
};

// The registry row of T, whose type-erased class is Erased.
template <typename T, typename Erased>
OpInfo describe(OpKind kind) {
  OpInfo info;
  info.kind = kind;
  info.name = T::doc.name;
  info.doc = T::doc.text;
  info.many_inputs = Combines<T>;
  info.make = [] { return std::unique_ptr<Op>(std::make_unique<Erased>()); };
  info.samples = [] {
    std::vector<OpSample> samples;
    for (auto& [op, inputs] : T::samples()) samples.push_back({std::make_shared<Erased>(op), inputs});
    return samples;
  };
  const T defaults;
  Erased::each_field([&](size_t, const auto& f) {
    FieldInfo field;
    field.name = f.name;
    field.type = field_type(defaults.*f.member);
    field.doc = f.doc;
    field.limits = f.limits;
    if (!f.limits.required) field.default_text = field_value_text(read_field(defaults.*f.member));
    field.set_choices(f.limits.choices);
    info.fields.push_back(std::move(field));
  });
  return info;
}

}  // namespace shoal

#define SHOAL_DEFINE_OP(Struct, Erased, kind)                          \
  const OpInfo& op_info_##Struct() {                                   \
    static const OpInfo info = describe<Struct, Erased<Struct>>(kind); \
    return info;                                                       \
  }                                                                    \
  template <>                                                          \
  const OpInfo& Erased<Struct>::info() const {                         \
    return op_info_##Struct();                                         \
  }
#define SHOAL_DEFINE_LAYER(Struct) SHOAL_DEFINE_OP(Struct, LayerOf, OpKind::layer)
#define SHOAL_DEFINE_ACTIVATION(Struct) SHOAL_DEFINE_OP(Struct, LayerOf, OpKind::activation)
#define SHOAL_DEFINE_LOSS(Struct) SHOAL_DEFINE_OP(Struct, LossOf, OpKind::loss)
#define SHOAL_DEFINE_METRIC(Struct) SHOAL_DEFINE_OP(Struct, MetricOf, OpKind::metric)
#define SHOAL_DEFINE_OPTIMIZER(Struct) SHOAL_DEFINE_OP(Struct, OptimizerOf, OpKind::optimizer)
#define SHOAL_DEFINE_INITIALIZER(Struct) SHOAL_DEFINE_OP(Struct, InitializerOf, OpKind::initializer)
