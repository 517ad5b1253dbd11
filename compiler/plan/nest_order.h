// The order of nests while they are made: which must run before which, and in which sequence they then stand.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

namespace shoal::plan {

class NestOrder {
 public:
  // One more nest, which runs in this loop over time, or in none (-1), after the nests `reads`.
  void add(int32_t loop, const std::set<int>& reads);
  // Nest `later` runs after these as well.
  void must_follow(int later, const std::set<int>& earlier);
  void must_precede(int earlier, int later);

  // Whether `later` itself must run after `earlier`.
  bool precedes(int earlier, int later) const { return before_[later].count(earlier) > 0; }
  // The same, or `earlier` is outside of the later one's loop and some nest of that loop must run after it: a loop runs
  // as a whole.
  bool runs_before(int earlier, int later) const;

  // By region, then by what must run before; among the ready ones the oldest first, those of a loop together. Those
  // that wait for each other are missing.
  std::vector<int> sequence(const std::vector<int>& region) const;

 private:
  bool is_ready(int nest, const std::vector<bool>& done) const;
  bool is_loop_ready(int32_t loop, const std::vector<bool>& done) const;

  std::vector<int32_t> loop_;          // by nest
  std::vector<std::set<int>> before_;  // by nest: all that must run before it
};

}  // namespace shoal::plan
