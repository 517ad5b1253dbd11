// Dependencies are kept with all that follows from them, so that each question is one look.
#include "compiler/plan/nest_order.h"

#include <algorithm>

namespace shoal::plan {

void NestOrder::add(int32_t loop, const std::set<int>& reads) {
  loop_.push_back(loop);
  before_.emplace_back();
  must_follow(static_cast<int>(before_.size()) - 1, reads);
}

void NestOrder::must_follow(int later, const std::set<int>& earlier) {
  for (const int nest : earlier)
    if (!precedes(nest, later)) must_precede(nest, later);
}

void NestOrder::must_precede(int earlier, int later) {
  std::set<int> added = before_[earlier];
  added.insert(earlier);
  for (int nest = 0; nest < std::ssize(before_); ++nest)
    if (nest == later || precedes(later, nest)) before_[nest].insert(added.begin(), added.end());
}

bool NestOrder::runs_before(int earlier, int later) const {
  if (precedes(earlier, later)) return true;
  const int32_t loop = loop_[later];
  if (loop < 0 || loop == loop_[earlier]) return false;
  for (int nest = 0; nest < std::ssize(before_); ++nest)
    if (loop_[nest] == loop && precedes(earlier, nest)) return true;
  return false;
}

bool NestOrder::is_ready(int nest, const std::vector<bool>& done) const {
  return std::ranges::all_of(before_[nest], [&](int earlier) { return done[earlier]; });
}

bool NestOrder::is_loop_ready(int32_t loop, const std::vector<bool>& done) const {
  for (size_t nest = 0; nest < before_.size(); ++nest)
    if (loop_[nest] == loop)
      for (const int earlier : before_[nest])
        if (!done[earlier] && loop_[earlier] != loop) return false;
  return true;
}

std::vector<int> NestOrder::sequence(const std::vector<int>& region) const {
  std::vector<int> result;
  std::vector<bool> done(before_.size(), false);
  const auto first = [&](const auto& wanted) {
    for (int nest = 0; nest < std::ssize(before_); ++nest)
      if (!done[nest] && wanted(nest)) return nest;
    return -1;
  };
  const auto take = [&](int nest) {
    done[nest] = true;
    result.push_back(nest);
  };
  const int last = region.empty() ? -1 : *std::ranges::max_element(region);
  for (int now = 0; now <= last; ++now) {
    const auto may_start = [&](int nest) {
      if (region[nest] != now) return false;
      return loop_[nest] >= 0 ? is_loop_ready(loop_[nest], done) : is_ready(nest, done);
    };
    for (int start = first(may_start); start >= 0; start = first(may_start)) {
      if (loop_[start] < 0) {
        take(start);
        continue;
      }
      const auto goes_on = [&](int nest) { return loop_[nest] == loop_[start] && is_ready(nest, done); };
      if (first(goes_on) < 0) return result;  // they wait for each other
      for (int nest = first(goes_on); nest >= 0; nest = first(goes_on)) take(nest);
    }
  }
  return result;
}

}  // namespace shoal::plan
