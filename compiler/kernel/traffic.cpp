// Footprints bottom-up, then the outermost loops that fit.
//
// What one iteration of a loop touches stays in the cache until the next one if it fits; so such a loop brings each of
// its distinct bytes in once. Where not even one iteration fits, every loop inside is looked at by itself, as often as
// it runs, and finds there what the loops just before it have left: as many of them as fit together.
#include "compiler/kernel/traffic.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace shoal::kernel {
namespace {

constexpr double line_bytes = 64;
// Lines at this distance share a set of L1; wider caches are taken to be no different.
constexpr double way_bytes = 4096;

// What one buffer adds to a footprint.
struct Touched {
  double bytes = 0;            // if no two accesses met
  double space = 0;            // of the cache that these take
  double first = 0, last = 0;  // range of elements
  bool anywhere = false;
};

// Accesses that overlap, as those of windows do, touch no more than their range.
Touched limited(const Buffer& buffer, Touched touched) {
  const auto bytes = static_cast<double>(element_bytes(buffer.type));
  double most = touched.anywhere ? INFINITY : (touched.last - touched.first) * bytes;
  if (buffer.size > 0) most = std::min(most, static_cast<double>(buffer.size) * bytes);
  touched.bytes = std::min(touched.bytes, most);
  touched.space = std::min(touched.space, most);
  return touched;
}

// How an access moves within a loop: by the loops in it, each of which adds its stride.
class Movement {
 public:
  Movement(const Kernel& kernel, const LoopAccess& access)
      : element_(element_bytes(kernel.buffers[access.buffer].type)),
        access_bytes_(static_cast<double>(access.elements * element_)),
        common_(access.apart * element_),
        shortest_(shortest_of(access)),
        free_(access.strides.empty()),
        anywhere_(access.scope >= 0) {}

  void add(int64_t stride) {
    const double bytes = std::abs(static_cast<double>(stride * element_));
    shortest_ = inside_ ? std::min(shortest_, bytes) : bytes;
    common_ = std::gcd(common_, stride * element_);
    inside_ = true;
  }

  // Bytes of one access: whole lines where the next one is further than a line.
  double bytes() const {
    if (free_) return anywhere_ ? std::max(access_bytes_, line_bytes) : access_bytes_;
    return shortest_ >= line_bytes ? std::ceil(access_bytes_ / line_bytes) * line_bytes
                                   : std::max(access_bytes_, std::min(shortest_, line_bytes));
  }

  // Bytes of the cache that it takes for each byte: all that it touches falls into one set of 2, 4, ... where the
  // distances are so many lines.
  double spread() const {
    if (!inside_ || common_ == 0) return 1;
    const double power = std::min(static_cast<double>(common_ & -common_), way_bytes);
    return std::max(1.0, power / std::max(bytes(), line_bytes));
  }

 private:
  double shortest_of(const LoopAccess& access) const {
    double shortest = INFINITY;
    for (const auto& [loop, stride] : access.strides)
      shortest = std::min(shortest, std::abs(static_cast<double>(stride * element_)));
    return shortest;
  }

  int64_t element_;
  double access_bytes_;
  int64_t common_;   // greatest common divisor of all distances
  double shortest_;  // of the strides within the loop; as long as there is none, of all
  bool free_, anywhere_;
  bool inside_ = false;
};

}  // namespace

Traffic::Traffic(const Kernel& kernel, const LoopTree& tree, double groups)
    : kernel_(kernel),
      tree_(tree),
      groups_(groups),
      touched_(tree.nodes.size()),
      footprint_(tree.nodes.size()),
      own_bytes_(tree.nodes.size()),
      space_(tree.nodes.size()),
      whole_space_(tree.nodes.size()) {
  std::vector<std::map<int32_t, Touched>> whole(tree.nodes.size()), once(tree.nodes.size());
  for (const LoopAccess& access : tree.accesses) {
    Movement movement(kernel, access);
    const double times = static_cast<double>(access.count);
    double bytes = movement.bytes(), spread = movement.spread();
    Touched touched{bytes * times, bytes * spread * times, static_cast<double>(access.first),
                    static_cast<double>(access.last + access.elements), access.scope >= 0};
    // An access may be repeated in one body at the same place; of neighbours each counts.
    own_bytes_[access.loop] += touched.bytes;
    const auto add = [&](std::map<int32_t, Touched>& to, const Touched& more) {
      const auto [at, is_new] = to.try_emplace(access.buffer, more);
      if (is_new) return;
      Touched& all = at->second;
      all.bytes += more.bytes, all.space += more.space;
      all.first = std::min(all.first, more.first), all.last = std::max(all.last, more.last);
      all.anywhere = all.anywhere || more.anywhere;
    };
    const auto repeat = [&](double trips) { touched.bytes *= trips, touched.space *= trips; };
    size_t next = access.strides.size();
    for (int32_t n = access.loop; n >= 0; n = tree.nodes[n].parent) {
      add(once[n], touched);
      while (next > 0 && access.strides[next - 1].first > n) --next;
      if (n <= access.scope) {  // elsewhere in every iteration
        repeat(trips(n));
      } else if (next > 0 && access.strides[next - 1].first == n) {
        const auto stride = static_cast<double>(access.strides[next - 1].second);
        const double way = stride * (trips(n) - 1);
        repeat(trips(n));
        (way < 0 ? touched.first : touched.last) += way;
        movement.add(access.strides[next - 1].second);
        touched.bytes *= movement.bytes() / bytes;
        touched.space *= movement.bytes() * movement.spread() / (bytes * spread);
        bytes = movement.bytes(), spread = movement.spread();
      }
      touched = limited(kernel.buffers[access.buffer], touched);
      add(whole[n], touched);
    }
  }
  const auto total = [&](const std::map<int32_t, Touched>& all) {
    Touched sum;
    for (const auto& [buffer, touched] : all) {
      const Touched part = limited(kernel.buffers[buffer], touched);
      sum.bytes += part.bytes, sum.space += part.space;
    }
    return sum;
  };
  for (size_t n = 0; n < tree.nodes.size(); ++n) {
    for (const auto& [buffer, touched] : whole[n]) touched_[n][buffer] = limited(kernel.buffers[buffer], touched).bytes;
    const Touched all = total(whole[n]);
    footprint_[n] = all.bytes;
    whole_space_[n] = all.space;
    space_[n] = std::min(all.space, total(once[n]).space);
  }
}

double Traffic::beyond(int32_t node, double cache_bytes) const {
  const auto n = static_cast<size_t>(node);
  if (space_[n] <= cache_bytes) return footprint_[n];
  double bytes = own_bytes_[n];
  const std::vector<int32_t>& loops = tree_.nodes[n].children;
  for (size_t i = 0; i < loops.size(); ++i)
    bytes += beyond(loops[i], cache_bytes) - left_by_earlier(loops, i, cache_bytes);
  return trips(node) * bytes;
}

// Of what a loop touches, the bytes that the loops before it have left in the cache.
double Traffic::left_by_earlier(const std::vector<int32_t>& loops, size_t loop, double cache_bytes) const {
  std::map<int32_t, double> missing = touched_[loops[loop]];
  double space = whole_space_[loops[loop]], found = 0;
  for (size_t earlier = loop; earlier-- > 0;) {
    space += whole_space_[loops[earlier]];
    if (space > cache_bytes) break;
    for (auto& [buffer, bytes] : missing)
      for (const auto& [other, touched] : touched_[loops[earlier]]) {
        const double same = std::min({bytes, touched, common_bytes(buffer, other)});
        bytes -= same, found += same;
      }
  }
  return found;
}

// Of the memory of two buffers: temporaries may stand where others have stood before.
double Traffic::common_bytes(int32_t buffer, int32_t other) const {
  if (buffer == other) return INFINITY;
  const Buffer &a = kernel_.buffers[buffer], &b = kernel_.buffers[other];
  if (a.space != Space::shared || b.space != Space::shared) return 0;
  const int64_t begin = std::max(a.offset, b.offset), end = std::min(a.offset + a.size, b.offset + b.size);
  return static_cast<double>(std::max<int64_t>(0, end - begin) * element_bytes(a.type));
}

double Traffic::bytes_beyond(double cache_bytes) const {
  return space_[0] <= cache_bytes && footprint_of(0) <= cache_bytes ? 0 : beyond(0, cache_bytes);
}

}  // namespace shoal::kernel
