// constant: every element one value.
#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct ConstantFill {
  double value = 0;

  static constexpr Doc doc{"constant", "Every element is `value`."};
  static constexpr auto fields =
      std::tuple{Field{"value", &ConstantFill::value, "the value", any_value.with_required()}};

  Distribution distribution(int64_t, int64_t) const { return {Distribution::Kind::constant, value, 0}; }

  static Samples<ConstantFill> samples() { return {{{.value = 0.5}, {}}}; }
};

}  // namespace

SHOAL_DEFINE_INITIALIZER(ConstantFill)

}  // namespace shoal
