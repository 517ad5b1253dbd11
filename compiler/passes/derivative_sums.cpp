// Sums inside derivatives: over samples and units where a node repeated its operand, as one node whenever one can do
// it.
#include "compiler/passes/derivative_sums.h"

#include <algorithm>
#include <numeric>

#include "compiler/support/error.h"

namespace shoal {

std::string letters(size_t count) {
  std::string result(count, 'a');
  std::iota(result.begin(), result.end(), 'a');
  return result;
}

Value sum_dims(Value x, std::vector<int64_t> dims) {
  if (dims.empty()) return x;
  const Node node = x.scope->graph()[x.id];
  if (node.prim == Prim::reduce && node.attrs.reduction == Reduction::sum && node.attrs.dims.empty()) {
    // Samples come last: what is left to add up across them, or to bring into another layout for that, is then small.
    const Value sum = reduce(Reduction::sum, {x.scope, node.inputs[0]}, std::move(dims));
    return node.attrs.over_sample ? sum_samples(sum) : sum;
  }
  if (node.prim == Prim::contract && node.attrs.over_sample) {
    std::string out = node.attrs.out;
    std::ranges::sort(dims, std::ranges::greater());
    for (int64_t d : dims) out.erase(d, 1);
    Attrs attrs = node.attrs;
    attrs.out = std::move(out);
    return x.scope->add({.prim = Prim::contract, .inputs = node.inputs, .attrs = attrs});
  }
  return reduce(Reduction::sum, x, std::move(dims));
}

DerivativeSums::DerivativeSums(Scope& scope, const Node& node, size_t operand)
    : scope_(scope),
      node_(node),
      operand_(operand),
      shape_(scope.graph()[node_.inputs[operand]].shape),
      over_sample_((node_.varies.sample || node_.attrs.over_sample) &&
                   !scope.graph()[node_.inputs[operand]].varies.sample),
      over_units_(prim_kind(node_.prim) == PrimKind::scalar && shape_.empty() && !node_.shape.empty()) {}

Value DerivativeSums::counted(Value x, double times) { return times == 1 ? x : x * times; }

Value DerivativeSums::sum(Value gradient) {
  const bool samples = over_sample_ && gradient.varies().sample;
  const bool units = over_units_ && !gradient.shape().empty();
  double times = 1;  // a gradient that is equal for all samples or units is counted instead
  if (over_sample_ && !samples) times *= static_cast<double>(scope_.graph().batch);
  if (over_units_ && !units) times *= static_cast<double>(element_count(node_.shape));
  if (samples || units) {
    std::vector<int64_t> dims(units ? node_.shape.size() : 0);
    std::iota(dims.begin(), dims.end(), 0);
    gradient = scope_.add(
        {.prim = Prim::reduce, .inputs = {gradient.id}, .attrs = {.dims = std::move(dims), .over_sample = samples}});
  }
  return counted(gradient, times);
}

Value DerivativeSums::sum_product(Value p, Value q) {
  const bool samples = over_sample_ && (p.varies() | q.varies()).sample;
  const bool ranked = !p.shape().empty() || !q.shape().empty();
  const bool units = over_units_ && ranked;
  if (!samples && !units) return sum(p * q);
  const std::string all = letters(node_.shape.size());
  double times = 1;
  if (over_sample_ && !samples) times *= static_cast<double>(scope_.graph().batch);
  if (over_units_ && !units) times *= static_cast<double>(element_count(node_.shape));
  const auto named = [&](Value x) { return x.shape().empty() ? std::string() : all; };
  const std::string out = ranked && !units ? all : "";
  return counted(shoal::contract(p, named(p), q, named(q), out, samples), times);
}

Value DerivativeSums::contract(Value g) {
  const Attrs& attrs = node_.attrs;
  const std::string& own = operand_ == 0 ? attrs.a : attrs.b;
  const std::string& other = operand_ == 0 ? attrs.b : attrs.a;
  const std::string of_g = g.shape().empty() ? std::string() : *attrs.out;
  const Value factor{&scope_, node_.inputs[1 - operand_]};

  // A letter that neither the gradient nor the other operand has is one along which the gradient is the same.
  std::string present;
  std::vector<int64_t> present_dims;
  for (size_t d = 0; d < own.size(); ++d) {
    if ((of_g + other).find(own[d]) == std::string::npos) continue;
    present += own[d];
    present_dims.push_back(static_cast<int64_t>(d));
  }
  const bool samples = over_sample_ && (g.varies() | factor.varies()).sample;
  Value result = shoal::contract(g, of_g, factor, other, present, samples);
  if (over_sample_ && !samples) result = counted(result, static_cast<double>(scope_.graph().batch));
  if (present.size() == own.size() || present.empty()) return result;
  return scope_.add({.prim = Prim::broadcast, .inputs = {result.id}, .attrs = {.shape = shape_, .dims = present_dims}});
}

}  // namespace shoal
