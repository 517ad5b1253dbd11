// zeros: every element 0.
#include "compiler/ops/define_op.h"

namespace shoal {

namespace {

struct Zeros {
  static constexpr Doc doc{"zeros", "Every element is 0."};
  static constexpr std::tuple<> fields{};

  Distribution distribution(int64_t, int64_t) const { return {Distribution::Kind::constant, 0, 0}; }

  static Samples<Zeros> samples() { return {{{}, {}}}; }
};

}  // namespace

SHOAL_DEFINE_INITIALIZER(Zeros)

}  // namespace shoal
