// Small models and data sets that the tests of the runtime train.
#pragma once

#include <string>
#include <vector>

#include "compiler/ops/op.h"
#include "compiler/programs/network.h"
#include "runtime/dataset.h"

namespace shoal::test {

template <typename T>
std::shared_ptr<const T> make_op(OpKind kind, const std::string& name,
                                 const std::vector<std::pair<std::string, FieldValue>>& fields = {}) {
  std::shared_ptr<Op> op = find_op(kind, name)->make();
  for (const auto& [field, value] : fields) op->set(field, value);
  return std::dynamic_pointer_cast<const T>(op);
}

// 3 -> dense 5, tanh, dense 4 classes; cross entropy, Adam, accuracy.
inline Model classifier() {
  Model model;
  model.name = "classifier";
  model.network.input = {3};
  model.network.layers = {{"", make_op<Layer>(OpKind::layer, "dense", {{"units", int64_t{5}}}), {}, ""},
                          {"", make_op<Layer>(OpKind::activation, "tanh"), {}, ""},
                          {"", make_op<Layer>(OpKind::layer, "dense", {{"units", int64_t{4}}}), {}, ""}};
  model.loss = make_op<Loss>(OpKind::loss, "cross_entropy");
  model.metrics = {make_op<Metric>(OpKind::metric, "accuracy")};
  model.optimizer = make_op<Optimizer>(OpKind::optimizer, "adam", {{"lr", 0.02}});
  return model;
}

// 3 -> dense 1; mean squared error, plain SGD.
inline Model linear_model(double lr = 0.1) {
  Model model;
  model.name = "linear";
  model.network.input = {3};
  model.network.layers = {{"", make_op<Layer>(OpKind::layer, "dense", {{"units", int64_t{1}}}), {}, ""}};
  model.loss = make_op<Loss>(OpKind::loss, "mse");
  model.optimizer = make_op<Optimizer>(OpKind::optimizer, "sgd", {{"lr", lr}});
  return model;
}

// Points on a lattice, with a class by their octant or the target 1 + 2a - 3b + c.
inline runtime::Dataset lattice(const Model& model, int64_t samples) {
  runtime::Dataset data;
  data.samples = samples;
  data.input = {3};
  data.output = output_shape(model.network);
  for (int64_t i = 0; i < samples; ++i) {
    const float a = static_cast<float>(i % 5) / 4 - 0.5f, b = static_cast<float>(i * 7 % 11) / 10 - 0.5f,
                c = static_cast<float>(i * 3 % 7) / 6 - 0.5f;
    data.x.insert(data.x.end(), {a, b, c});
    if (model.loss->target() == TargetKind::label)
      data.labels.push_back((a > 0 ? 2 : 0) + (b > c ? 1 : 0));
    else
      data.targets.push_back(1 + 2 * a - 3 * b + c);
  }
  return data;
}

}  // namespace shoal::test
