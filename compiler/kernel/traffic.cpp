// Footprints bottom-up, then the outermost loops that fit.
//
// What one iteration of a loop touches stays in the cache until the next one if it fits; so such a loop brings each of
// its distinct bytes in once. Where not even one iteration fits, every loop inside is looked at by itself, as often as
// it runs. Nothing is assumed to be left over from one loop to the one after it then.
#include "compiler/kernel/traffic.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace shoal::kernel {
namespace {

constexpr double line_bytes = 64;

// What one buffer adds to a footprint.
struct Touched {
  double bytes = 0;            // if no two accesses met
  double first = 0, last = 0;  // range of elements
  bool anywhere = false;
};

double limit_of(const Buffer& buffer, const Touched& touched) {
  const auto bytes = static_cast<double>(element_bytes(buffer.type));
  double most = touched.anywhere ? INFINITY : (touched.last - touched.first) * bytes;
  if (buffer.size > 0) most = std::min(most, static_cast<double>(buffer.size) * bytes);
  return std::min(touched.bytes, most);
}

// Bytes of one access: whole lines where the next iterations move on by more than a line.
double bytes_of(const Kernel& kernel, const LoopAccess& access) {
  const auto element = static_cast<double>(element_bytes(kernel.buffers[access.buffer].type));
  const double bytes = static_cast<double>(access.elements) * element;
  if (access.strides.empty()) return access.scope < 0 ? bytes : std::max(bytes, line_bytes);
  double shortest = INFINITY;
  for (const auto& [loop, stride] : access.strides)
    shortest = std::min(shortest, std::abs(static_cast<double>(stride)) * element);
  return shortest >= line_bytes ? std::ceil(bytes / line_bytes) * line_bytes
                                : std::max(bytes, std::min(shortest, line_bytes));
}

}  // namespace

Traffic::Traffic(const Kernel& kernel, const LoopTree& tree, double groups)
    : kernel_(kernel),
      tree_(tree),
      groups_(groups),
      footprint_(tree.nodes.size()),
      own_bytes_(tree.nodes.size()),
      body_(tree.nodes.size()) {
  std::vector<std::map<int32_t, Touched>> whole(tree.nodes.size()), once(tree.nodes.size());
  for (const LoopAccess& access : tree.accesses) {
    const double single = bytes_of(kernel, access);
    Touched touched{single * static_cast<double>(access.count), static_cast<double>(access.first),
                    static_cast<double>(access.last + access.elements), access.scope >= 0};
    // An access may be repeated in one body at the same place; of neighbours each counts.
    own_bytes_[access.loop] += touched.bytes;
    const auto add = [&](std::map<int32_t, Touched>& to, const Touched& more) {
      const auto [at, is_new] = to.try_emplace(access.buffer, more);
      if (is_new) return;
      Touched& all = at->second;
      all.bytes += more.bytes;
      all.first = std::min(all.first, more.first), all.last = std::max(all.last, more.last);
      all.anywhere = all.anywhere || more.anywhere;
    };
    size_t next = access.strides.size();
    for (int32_t n = access.loop; n >= 0; n = tree.nodes[n].parent) {
      add(once[n], touched);
      while (next > 0 && access.strides[next - 1].first > n) --next;
      if (n <= access.scope) {  // elsewhere in every iteration
        touched.bytes *= trips(n);
      } else if (next > 0 && access.strides[next - 1].first == n) {
        const double way = static_cast<double>(access.strides[next - 1].second) * (trips(n) - 1);
        touched.bytes *= trips(n);
        (way < 0 ? touched.first : touched.last) += way;
      }
      // Iterations that overlap, as windows do, touch no more than the range.
      touched.bytes = limit_of(kernel.buffers[access.buffer], touched);
      add(whole[n], touched);
    }
  }
  const auto total = [&](const std::map<int32_t, Touched>& all) {
    double bytes = 0;
    for (const auto& [buffer, touched] : all) bytes += limit_of(kernel.buffers[buffer], touched);
    return bytes;
  };
  for (size_t n = 0; n < tree.nodes.size(); ++n) footprint_[n] = total(whole[n]), body_[n] = total(once[n]);
}

double Traffic::beyond(int32_t node, double cache_bytes) const {
  const auto n = static_cast<size_t>(node);
  if (footprint_[n] <= cache_bytes || body_[n] <= cache_bytes) return footprint_[n];
  double bytes = own_bytes_[n];
  for (const int32_t child : tree_.nodes[n].children) bytes += beyond(child, cache_bytes);
  return trips(node) * bytes;
}

double Traffic::bytes_beyond(double cache_bytes) const {
  return footprint_of(0) <= cache_bytes ? 0 : beyond(0, cache_bytes);
}

}  // namespace shoal::kernel
