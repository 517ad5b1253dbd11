// Halving: of two rows, each lane keeps the one whose number has the lane's bit, and adds what its partner gives away.
#include "compiler/lower/sum_across.h"

namespace shoal::lower {

using kernel::Op;

int32_t sum_across(kernel::Builder& builder, int32_t lane, std::vector<int32_t> rows) {
  const auto lanes = static_cast<size_t>(builder.kernel().lanes);
  for (size_t d = 1; d < lanes; d *= 2) {
    const int32_t bit = builder.emit(Op::band, lane, builder.constant_i32(static_cast<int64_t>(d)));
    const int32_t upper = builder.emit(Op::eq, bit, builder.constant_i32(static_cast<int64_t>(d)));
    for (size_t r = 0; r < rows.size(); r += 2 * d) {
      int32_t given = rows[r], kept = given;
      if (r + d < rows.size()) {
        kept = builder.emit(Op::select, upper, rows[r + d], rows[r]);
        given = builder.emit(Op::select, upper, rows[r], rows[r + d]);
      }
      rows[r] = builder.emit(Op::add, kept, builder.lanes_xor(given, static_cast<int64_t>(d)));
    }
  }
  return rows[0];
}

}  // namespace shoal::lower
