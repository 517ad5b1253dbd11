// Interval analysis of i32 values in one forward sweep; vars and loads are unknown, so no fixed point is needed.
#include "compiler/kernel/ranges.h"

#include <algorithm>

namespace shoal::kernel {
namespace {

constexpr int64_t int_min = std::numeric_limits<int32_t>::min();
constexpr int64_t int_max = std::numeric_limits<int32_t>::max();

ValueRange fit(int64_t low, int64_t high) {
  if (low < int_min || high > int_max) return {};
  return {{low, high}, true};
}

// Smallest 2^k - 1 that is at least `value` (value >= 0).
int64_t bits_above(int64_t value) {
  int64_t mask = 0;
  while (mask < value) mask = mask * 2 + 1;
  return mask;
}

ValueRange product(const Range& a, const Range& b) {
  // Operands are 32-bit, so the four products cannot overflow 64 bits.
  const auto [low, high] = std::minmax({a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high});
  return fit(low, high);
}

ValueRange shift_left(const Range& a, const Range& b) {
  if (!a.non_negative() || b.low < 0 || b.high > 31) return {};
  return fit(a.low << b.low, a.high << b.high);
}

// Unsigned operations equal signed ones when both operands are non-negative; without that nothing is known.
ValueRange quotient(const Range& a, const Range& b) {
  if (!a.non_negative() || b.low <= 0) return {};
  return fit(a.low / b.high, a.high / b.low);
}

ValueRange remainder(const Range& a, const Range& b) {
  if (b.low <= 0) return {};
  return {{0, a.non_negative() ? std::min(a.high, b.high - 1) : b.high - 1}, a.non_negative()};
}

ValueRange bit_and(const Range& a, const Range& b) {
  if (a.non_negative() && b.non_negative()) return {{0, std::min(a.high, b.high)}, true};
  if (a.non_negative()) return {{0, a.high}, true};
  if (b.non_negative()) return {{0, b.high}, true};
  return {{}, true};
}

ValueRange bit_or(const Range& a, const Range& b) {
  if (!a.non_negative() || !b.non_negative()) return {{}, true};
  return {{0, bits_above(std::max(a.high, b.high))}, true};
}

class Sweep {
 public:
  explicit Sweep(const Kernel& kernel) : kernel_(kernel), ranges_(kernel.code.size()) {}

  std::vector<ValueRange> run() {
    for (size_t i = 0; i < kernel_.code.size(); i++) {
      const auto& in = kernel_.code[i];
      if (in.type == Type::i32) ranges_[i] = range_of(in);
    }
    return std::move(ranges_);
  }

 private:
  Range arg(const Instruction& in, int n) const { return ranges_[in.args[n]].range; }

  ValueRange range_of(const Instruction& in) const {
    switch (in.op) {
      case Op::constant: return fit(static_cast<int32_t>(in.imm), static_cast<int32_t>(in.imm));
      case Op::group: return {{0, int_max}, true};
      case Op::warp: return fit(0, kernel_.warps - 1);
      case Op::lane: return fit(0, kernel_.lanes - 1);
      case Op::add: return fit(arg(in, 0).low + arg(in, 1).low, arg(in, 0).high + arg(in, 1).high);
      case Op::sub: return fit(arg(in, 0).low - arg(in, 1).high, arg(in, 0).high - arg(in, 1).low);
      case Op::mul: return product(arg(in, 0), arg(in, 1));
      case Op::div: return quotient(arg(in, 0), arg(in, 1));
      case Op::rem: return remainder(arg(in, 0), arg(in, 1));
      case Op::max: return fit(std::max(arg(in, 0).low, arg(in, 1).low), std::max(arg(in, 0).high, arg(in, 1).high));
      case Op::min: return fit(std::min(arg(in, 0).low, arg(in, 1).low), std::min(arg(in, 0).high, arg(in, 1).high));
      case Op::band: return bit_and(arg(in, 0), arg(in, 1));
      case Op::bor:
      case Op::bxor: return bit_or(arg(in, 0), arg(in, 1));
      case Op::shl: return shift_left(arg(in, 0), arg(in, 1));
      case Op::shr:
        if (!arg(in, 0).non_negative() || arg(in, 1).low < 0 || arg(in, 1).high > 31) return {};
        return fit(arg(in, 0).low >> arg(in, 1).high, arg(in, 0).high >> arg(in, 1).low);
      case Op::select: return fit(std::min(arg(in, 1).low, arg(in, 2).low), std::max(arg(in, 1).high, arg(in, 2).high));
      case Op::loop: return fit(0, std::max<int64_t>(0, (arg(in, 0).high - 1) / in.imm * in.imm));
      case Op::to_i32:
        if (kernel_.code[in.args[0]].type == Type::pred) return fit(0, 1);
        return {};
      case Op::lanes_xor: return {arg(in, 0), true};
      case Op::scalar:
      case Op::bits_i32:
      case Op::bf16_pair:
      case Op::get:
      case Op::load: return {};
      case Op::fma:
      case Op::neg:
      case Op::abs:
      case Op::floor:
      case Op::sqrt:
      case Op::exp2:
      case Op::rcp:
      case Op::lt:
      case Op::le:
      case Op::eq:
      case Op::to_f32:
      case Op::to_i64:
      case Op::bits_f32:
      case Op::tf32:
      case Op::mma:
      case Op::var:
      case Op::set:
      case Op::when:
      case Op::repeat:
      case Op::again:
      case Op::end:
      case Op::store:
      case Op::barrier: return {};
    }
    return {};
  }

  const Kernel& kernel_;
  std::vector<ValueRange> ranges_;
};

}  // namespace

std::vector<ValueRange> value_ranges(const Kernel& kernel) { return Sweep(kernel).run(); }

}  // namespace shoal::kernel
