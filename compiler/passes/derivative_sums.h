// Sums inside derivatives: over samples and units where a node repeated its operand, as one node whenever one can do
// it.
#pragma once

#include <string>

#include "compiler/graph/scope.h"

namespace shoal {

// The first `count` contraction letters.
std::string letters(size_t count);

// Sum over unit dimensions; joined with `x` itself when that is a sum over samples that stands alone.
Value sum_dims(Value x, std::vector<int64_t> dims);

// The sums that the gradient of operand number `operand` of `node` needs: over samples when the node runs over samples
// and the operand does not vary over them, and over all units when the operand has rank 0 and the node has not.
class DerivativeSums {
 public:
  DerivativeSums(Scope&, const Node& node, size_t operand);

  Value sum(Value gradient);
  // The sum of p * q. One contraction, so that the product of two values that vary over samples is never stored.
  Value sum_product(Value p, Value q);
  // For a contraction: the gradient of the operand, given the node's gradient.
  Value contract(Value g);

 private:
  Scope& scope_;
  const Node node_;
  const size_t operand_;
  const Shape shape_;  // of the operand
  bool over_sample_;   // samples are summed
  bool over_units_;    // all units are summed

  Value counted(Value, double times);
};

}  // namespace shoal
