// Values moved, windowed and summed: indexing and sum primitives of the scope; identities make no node.
#include <algorithm>
#include <numeric>

#include "compiler/graph/scope.h"
#include "compiler/support/error.h"

namespace shoal {
namespace {

bool all_zero(const std::vector<int64_t>& list) { return std::ranges::count(list, 0) == std::ssize(list); }

}  // namespace

Value reshape(Value x, Shape shape) {
  if (shape == x.shape()) return x;
  return x.scope->add({.prim = Prim::reshape, .inputs = {x.id}, .attrs = {.shape = std::move(shape)}});
}

Value transpose(Value x, std::vector<int64_t> dims) {
  std::vector<int64_t> identity(x.shape().size());
  std::iota(identity.begin(), identity.end(), 0);
  if (dims == identity) return x;
  return x.scope->add({.prim = Prim::transpose, .inputs = {x.id}, .attrs = {.dims = std::move(dims)}});
}

Value broadcast_to(Value x, const Shape& shape) {
  const Shape from = x.shape();
  if (from == shape) return x;
  const auto misfit = [&] {
    return SpecError("graph", fmt::format("shape {} does not broadcast to {}", shape_text(from), shape_text(shape)));
  };
  if (from.size() > shape.size()) throw misfit();
  // Dimensions of extent 1 that repeat are dropped first, because the primitive keeps extents.
  const size_t missing = shape.size() - from.size();
  Shape kept;
  std::vector<int64_t> dims;
  for (size_t d = 0; d < from.size(); ++d) {
    const int64_t target = shape[missing + d];
    if (from[d] != target && from[d] != 1) throw misfit();
    if (from[d] != target) continue;
    kept.push_back(target);
    dims.push_back(static_cast<int64_t>(missing + d));
  }
  return x.scope->add(
      {.prim = Prim::broadcast, .inputs = {reshape(x, kept).id}, .attrs = {.shape = shape, .dims = std::move(dims)}});
}

Value slice(Value x, std::vector<int64_t> low, Shape extents) {
  if (extents == x.shape() && low.size() == extents.size() && all_zero(low)) return x;
  return x.scope->add(
      {.prim = Prim::slice, .inputs = {x.id}, .attrs = {.shape = std::move(extents), .low = std::move(low)}});
}

Value pad(Value x, std::vector<int64_t> low, std::vector<int64_t> high, double value) {
  const size_t rank = x.shape().size();
  if (low.size() == rank && high.size() == rank && all_zero(low) && all_zero(high)) return x;
  return x.scope->add(
      {.prim = Prim::pad, .inputs = {x.id}, .attrs = {.value = value, .low = std::move(low), .high = std::move(high)}});
}

Value concat(const std::vector<Value>& values, int64_t dim) {
  if (values.empty()) throw SpecError("graph", "concat(): expected at least one operand");
  if (values.size() == 1) return values[0];
  std::vector<NodeId> ids;
  for (Value v : values) ids.push_back(v.id);
  return values[0].scope->add({.prim = Prim::concat, .inputs = std::move(ids), .attrs = {.dim = dim}});
}

Value gather(Value table, Value i) { return table.scope->add({.prim = Prim::gather, .inputs = {table.id, i.id}}); }

Value window(Value x, std::vector<int64_t> dims, std::vector<int64_t> kernel, std::vector<int64_t> stride,
             std::vector<int64_t> low, std::vector<int64_t> high, double value) {
  return x.scope->add({.prim = Prim::window,
                       .inputs = {x.id},
                       .attrs = {.value = value,
                                 .dims = std::move(dims),
                                 .low = std::move(low),
                                 .high = std::move(high),
                                 .kernel = std::move(kernel),
                                 .stride = std::move(stride)}});
}

Value reduce(Reduction reduction, Value x, std::vector<int64_t> dims) {
  if (dims.empty()) {
    dims.resize(x.shape().size());
    std::iota(dims.begin(), dims.end(), 0);
  }
  if (dims.empty()) return x;
  return x.scope->add(
      {.prim = Prim::reduce, .inputs = {x.id}, .attrs = {.dims = std::move(dims), .reduction = reduction}});
}

Value sum_samples(Value x) {
  // A value that is the same for all samples is summed by counting them.
  if (!x.varies().sample) return x * static_cast<double>(x.scope->graph().batch);
  return x.scope->add({.prim = Prim::reduce, .inputs = {x.id}, .attrs = {.over_sample = true}});
}

Value mean_samples(Value x) {
  if (!x.varies().sample) return x;
  return sum_samples(x) * (1.0 / static_cast<double>(x.scope->graph().batch));
}

Value contract(Value a, std::string a_letters, Value b, std::string b_letters, std::string out_letters,
               bool over_sample) {
  return a.scope->add({.prim = Prim::contract,
                       .inputs = {a.id, b.id},
                       .attrs = {.over_sample = over_sample,
                                 .a = std::move(a_letters),
                                 .b = std::move(b_letters),
                                 .out = std::move(out_letters)}});
}

}  // namespace shoal
