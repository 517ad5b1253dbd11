// Models of the reference cases in tests/reference/data/torch_train.json.
#pragma once

#include "compiler/programs/programs.h"
#include "tests/ops/op_json.h"

namespace shoal::test {

inline LayerSpec layer_spec(const json& entry) {
  LayerSpec spec;
  if (!entry.contains("op")) {
    spec.op = layer_from_json(entry);
    return spec;
  }
  spec.op = layer_from_json(entry["op"]);
  spec.name = entry.value("name", "");
  spec.inputs = entry.value("inputs", std::vector<std::string>{});
  return spec;
}

inline Network network_from_json(const json& input, const json& layers) {
  Network network;
  network.input = input.get<Shape>();
  for (const json& entry : layers) network.layers.push_back(layer_spec(entry));
  return network;
}

inline Network network_from_json(const char* input, const char* layers) {
  return network_from_json(json::parse(input), json::parse(layers));
}

inline std::shared_ptr<const Metric> metric(const char* name) {
  const std::shared_ptr<Op> op = find_op(OpKind::metric, name)->make();
  return std::dynamic_pointer_cast<const Metric>(op);
}

inline Model model_from_json(const json& c) {
  Model model;
  model.name = c["name"];
  model.network = network_from_json(c["input"], c["layers"]);
  model.loss = loss_from_json(c["loss"]);
  model.optimizer = optimizer_from_json(c["optimizer"]);
  for (const auto& [name, values] : c["vary"].items()) model.varied.push_back(name);
  return model;
}

}  // namespace shoal::test
