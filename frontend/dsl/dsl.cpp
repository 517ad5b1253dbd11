// Networks written in C++: making ops from fields by name, and putting layers together.
#include "frontend/dsl/dsl.h"

#include "compiler/support/error.h"

namespace shoal {

LayerExpr::LayerExpr(std::shared_ptr<const Layer> op, std::vector<std::string> inputs) {
  check(op != nullptr, "a layer expression without a layer");
  spec_.op = std::move(op);
  spec_.inputs = std::move(inputs);
}

LayerExpr LayerExpr::named(std::string name) const {
  LayerExpr copy = *this;
  copy.spec_.name = std::move(name);
  return copy;
}

LayerExpr LayerExpr::from(std::string input) const {
  const OpInfo& info = spec_.op->info();
  if (info.many_inputs) throw SpecError(info.name, "names its inputs itself");
  LayerExpr copy = *this;
  copy.spec_.inputs = {std::move(input)};
  return copy;
}

Sequential& Sequential::append(LayerExpr layer) {
  layers_.push_back(std::move(layer));
  return *this;
}

Network Sequential::network(Shape input, DType storage, Permissions permits) const {
  check(storage == DType::f16 || storage == DType::bf16 || storage == DType::f32, "parameters are no {}",
        dtype_name(storage));
  Network network;
  network.input = std::move(input);
  network.storage = storage;
  network.permits = permits;
  for (const LayerExpr& layer : layers_) {
    network.layers.push_back(layer.spec());
    network.layers.back().place = fmt::format("/network/layers/{}", network.layers.size() - 1);
  }
  return network;
}

namespace dsl {

std::shared_ptr<const Op> make_op(OpKind kind, std::string_view name, const Fields& fields) {
  const OpInfo* info = find_op(kind, name);
  check(info != nullptr, "no {} {}", op_kind_name(kind), name);
  std::shared_ptr<Op> op = info->make();
  for (const auto& [field, value] : fields) {
    const InitializerRef* initializer = std::get_if<InitializerRef>(&value);
    if (initializer && !*initializer) continue;
    if (const Problem problem = op->set(field, value)) throw SpecError(fmt::format("{}/{}", name, field), *problem);
  }
  return op;
}

}  // namespace dsl

}  // namespace shoal
