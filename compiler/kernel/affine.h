// Integers of a kernel as sums over loop counters and the lane, where they are such sums.
#pragma once

#include <array>
#include <cstdint>

namespace shoal::kernel {

// constant + lane * lane index + sum of factor * (number of the iteration of a loop), and perhaps a part that is not
// known: of memory, or of no such sum.
struct Affine {
  struct Term {
    int32_t loop = -1;
    int64_t factor = 0;
  };
  static constexpr int most_terms = 8;

  bool known = false;        // false: there is no saying even that much
  int32_t scope = -1;        // the innermost loop with which the unknown part may change; -1: there is none
  bool lanes_apart = false;  // the unknown part differs from lane to lane
  int64_t constant = 0, lane = 0;
  int32_t count = 0;
  std::array<Term, most_terms> terms{};  // by loop, ascending, factors not zero

  static Affine of(int64_t value) {
    Affine a;
    a.known = true, a.constant = value;
    return a;
  }
  static Affine unknown(int32_t scope, bool lanes_apart) {
    Affine a;
    a.known = true, a.scope = scope, a.lanes_apart = lanes_apart;
    return a;
  }
  bool is_constant() const { return known && scope < 0 && lane == 0 && count == 0; }
};

// a + factor * b; unknown when it has too many terms.
inline Affine sum(const Affine& a, const Affine& b, int64_t factor) {
  Affine r;
  if (!a.known || !b.known) return r;
  r.scope = a.scope > b.scope ? a.scope : b.scope;
  r.lanes_apart = a.lanes_apart || b.lanes_apart;
  r.constant = a.constant + factor * b.constant;
  r.lane = a.lane + factor * b.lane;
  int32_t i = 0, j = 0;
  while (i < a.count || j < b.count) {
    Affine::Term t;
    if (j == b.count || (i < a.count && a.terms[i].loop < b.terms[j].loop)) {
      t = a.terms[i++];
    } else if (i == a.count || b.terms[j].loop < a.terms[i].loop) {
      t = {b.terms[j].loop, factor * b.terms[j].factor}, ++j;
    } else {
      t = {a.terms[i].loop, a.terms[i].factor + factor * b.terms[j].factor}, ++i, ++j;
    }
    if (t.factor == 0) continue;
    if (r.count == Affine::most_terms) return {};
    r.terms[r.count++] = t;
  }
  r.known = true;
  return r;
}

}  // namespace shoal::kernel
