// Race detection for one region of memory: who wrote and who read each element since which barrier.
//
// All barriers are of whole warps or of the whole group, so two accesses of a group are ordered exactly if a group
// barrier lies between, or both are of one warp and a barrier of this warp lies between. Two groups are never ordered.
// That makes one summary of the readers exact: as soon as they are of two warps (or groups), every later write races
// with one of them.
#pragma once

#include <cstdint>
#include <vector>

namespace shoal::kernel {

// Who accesses, and when: barriers passed so far by its group and by its warp (those of the group included).
struct Access {
  int32_t group = 0, warp = 0, thread = 0;  // thread: index in the group
  int32_t group_epoch = 0, warp_epoch = 0;
};

class RaceDetector {
 public:
  explicit RaceDetector(int64_t elements) : elements_(static_cast<size_t>(elements)) {}

  // Each returns the thread with which this access races, or -1.
  int32_t read(int64_t element, const Access& by) {
    Element& e = elements_[static_cast<size_t>(element)];
    if (unordered(e.write, by)) return e.write.thread;
    Access& last = e.read;
    if (last.thread == nobody) {
      last = by;
    } else if (last.group != by.group || last.group == several) {
      last.group = several;
    } else if (last.group_epoch != by.group_epoch) {
      last = by;
    } else if (last.warp != by.warp || last.warp == several) {
      last.warp = several;
    } else if (last.warp_epoch != by.warp_epoch) {
      last = by;
    } else if (last.thread != by.thread) {
      e.several_threads = true;
      return nobody;
    } else {
      return nobody;
    }
    e.several_threads = false;
    return nobody;
  }

  int32_t write(int64_t element, const Access& by) {
    Element& e = elements_[static_cast<size_t>(element)];
    if (unordered(e.write, by)) return e.write.thread;
    const bool several_now = e.several_threads && e.read.group_epoch == by.group_epoch && e.read.warp == by.warp &&
                             e.read.warp_epoch == by.warp_epoch && e.read.group == by.group;
    if (unordered(e.read, by) || several_now) return e.read.thread;
    e.write = by;
    e.read = Access{.thread = nobody};
    e.several_threads = false;
    return nobody;
  }

  void reset() { elements_.assign(elements_.size(), {}); }

  static constexpr int32_t nobody = -1;

 private:
  static constexpr int32_t several = -2;

  struct Element {
    Access write{.thread = nobody}, read{.thread = nobody};
    bool several_threads = false;  // of the warp and epochs in `read`
  };

  static bool unordered(const Access& earlier, const Access& by) {
    if (earlier.thread == nobody) return false;
    if (earlier.group != by.group) return true;
    if (earlier.group_epoch != by.group_epoch) return false;
    if (earlier.warp != by.warp) return true;
    return earlier.warp_epoch == by.warp_epoch && earlier.thread != by.thread;
  }

  std::vector<Element> elements_;
};

}  // namespace shoal::kernel
