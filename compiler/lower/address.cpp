// Addresses: sums of loop counters times strides.
#include "compiler/lower/address.h"

#include <algorithm>
#include <numeric>

namespace shoal::lower {

void Linear::add(int32_t value, int64_t factor) {
  if (value < 0 || factor == 0) return;
  auto at = std::find_if(terms.begin(), terms.end(), [&](const auto& t) { return t.first >= value; });
  if (at != terms.end() && at->first == value)
    at->second += factor;
  else
    terms.insert(at, {value, factor});  // kernel values are numbered in the order of their definition
}

void Linear::add(const Linear& other, int64_t factor) {
  for (auto [value, f] : other.terms) add(value, f * factor);
  constant += other.constant * factor;
}

Range range_of(const kernel::Kernel& kernel, const Linear& linear) {
  Range range{linear.constant, linear.constant};
  for (auto [value, factor] : linear.terms)
    (factor < 0 ? range.low : range.high) += factor * bounds_of(kernel, value).most;
  return range;
}

bool Addresses::terms_divide_by(const Linear& linear, int64_t divisor) const {
  return std::all_of(linear.terms.begin(), linear.terms.end(), [&](const auto& term) {
    const kernel::Instruction& in = builder_.kernel().code[term.first];
    int64_t multiple = in.op == kernel::Op::loop ? in.imm : bounds_of(builder_.kernel(), term.first).multiple;
    return term.second * multiple % divisor == 0;
  });
}

Linear Addresses::divided(const Linear& linear, int64_t divisor) {
  Linear result;
  result.constant = (linear.constant - (linear.constant % divisor + divisor) % divisor) / divisor;
  for (auto [value, factor] : linear.terms) {
    int64_t common = std::gcd(factor, divisor);
    result.add(common < divisor ? once(kernel::Op::div, value, divisor / common) : value, factor / common);
  }
  return result;
}

int32_t Addresses::index(const Linear& linear) {
  if (linear.terms.empty()) return -1;
  if (int32_t known = memo_.find(linear.terms); known >= 0) return known;
  auto [value, factor] = linear.terms.back();
  int32_t term = factor == 1 ? value : builder_.emit(kernel::Op::mul, value, builder_.constant_i32(factor));
  Linear prefix{{linear.terms.begin(), linear.terms.end() - 1}, 0};
  int32_t before = index(prefix);
  int32_t result = before < 0 ? term : builder_.emit(kernel::Op::add, before, term);
  memo_.insert(linear.terms, result);
  return result;
}

int32_t Addresses::value(const Linear& linear) {
  int32_t terms = index(linear);
  if (terms < 0) return builder_.constant_i32(linear.constant);
  return linear.constant == 0 ? terms : builder_.emit(kernel::Op::add, terms, builder_.constant_i32(linear.constant));
}

}  // namespace shoal::lower
