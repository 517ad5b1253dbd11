// A network as a user describes it: a list of named layers, each reading the one before it or others by name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/graph/permissions.h"
#include "compiler/ops/op.h"

namespace shoal {

struct LayerSpec {
  std::string name;  // empty: its position in the list, "0", "1", ... (PyTorch's nn.Sequential)
  std::shared_ptr<const Layer> op;
  std::vector<std::string> inputs;  // names of earlier layers, or "input"; empty: the previous entry
  std::string place;                // for errors; empty: "/network/<position>"
};

struct Network {
  Shape input;  // unit shape of one sample: [64], [1, 28, 28]
  std::vector<LayerSpec> layers;
  // How parameters are stored where they are only read (forward, evaluate): f32, f16 or bf16. Training keeps f32.
  DType storage = DType::f32;
  Permissions permits;
};

// One row of a summary, layer by layer.
struct LayerSummary {
  std::string name, op;  // op: its text, {"dense":{"units":32}}
  Shape output;
  int64_t parameters = 0;
};

struct Model {
  std::string name = "network";
  Network network = {};
  std::shared_ptr<const Loss> loss = {};  // train and evaluate need it
  std::vector<std::shared_ptr<const Metric>> metrics = {};
  std::shared_ptr<const Optimizer> optimizer = {};  // train needs it
  std::vector<std::string> varied = {};             // "optimizer.lr", "loss.delta": one value for each member
};

// Appends the network; parameters are collected by the scope. Throws SpecError with the layer's place.
Value expand(Scope&, const Network&, Value x);

// Names that layers have, in order, with the default ones filled in. Throws SpecError for a duplicate or a bad name
// (letters, digits and _ only, not "input").
std::vector<std::string> layer_names_of(const Network&);

Shape output_shape(const Network&);
std::vector<LayerSummary> summarize(const Network&);

struct Sizes {
  Shape output;
  int64_t parameters = 0;  // of a member
};

// Throws SpecError when layers do not fit, the loss cannot take the output, or a varied name is no hyperparameter.
Sizes validate(const Model&);

}  // namespace shoal
