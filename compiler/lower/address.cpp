// Addresses: sums of loop counters times strides.
#include "compiler/lower/address.h"

#include <algorithm>

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
