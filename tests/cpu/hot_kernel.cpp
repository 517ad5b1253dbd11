// A dense layer in register tiles, and a reader of its machine code.
#include "hot_kernel.h"

#include <map>
#include <sstream>
#include <vector>

namespace shoal::test {

using kernel::Builder;
using kernel::Kernel;
using kernel::Op;

Kernel hot_kernel(const HotShape& shape) {
  constexpr int64_t kUnits = 32, kSamples = 16;
  const int64_t lanes = shape.lanes, inputs = shape.inputs, weight_lanes = shape.shared_weights ? 1 : lanes;
  Kernel k;
  k.lanes = shape.lanes;
  k.buffers = {{.name = "w"}, {.name = "x"}, {.name = "y", .written = true}};
  Builder b(k);
  const int32_t group = b.emit(Op::to_i64, b.leaf(Op::group)), lane = b.emit(Op::to_i64, b.leaf(Op::lane));
  auto base = [&](int64_t elements, bool with_lane) {
    const int32_t first = b.emit(Op::mul, group, b.constant_i64(elements));
    return with_lane ? b.emit(Op::add, first, lane) : first;
  };
  const int32_t w = base(kUnits * inputs * weight_lanes, !shape.shared_weights);
  const int32_t x = base(kSamples * inputs * lanes, true), y = base(kSamples * kUnits * lanes, true);
  auto times = [&](int32_t a, int64_t factor) { return b.emit(Op::mul, a, b.constant_i32(factor)); };
  const int32_t s = b.loop(b.constant_i32(kSamples), shape.samples);
  const int32_t u = b.loop(b.constant_i32(kUnits), shape.units);
  std::vector<int32_t> sums;
  for (int k_sum = 0; k_sum < shape.units * shape.samples; ++k_sum) sums.push_back(b.var(b.constant(0.0f)));
  const int32_t i = b.loop(b.constant_i32(inputs));
  const int32_t w_at = b.emit(Op::add, times(u, inputs * weight_lanes), times(i, weight_lanes));
  const int32_t x_at = b.emit(Op::add, times(s, inputs * lanes), times(i, lanes));
  std::vector<int32_t> weights, activations;
  for (int a = 0; a < shape.units; ++a) weights.push_back(b.load(0, w, w_at, a * inputs * weight_lanes));
  for (int c = 0; c < shape.samples; ++c) activations.push_back(b.load(1, x, x_at, c * inputs * lanes));
  for (int a = 0; a < shape.units; ++a) {
    for (int c = 0; c < shape.samples; ++c) {
      const int32_t sum = sums[size_t(a * shape.samples + c)];
      b.set(sum, b.emit(Op::fma, weights[size_t(a)], activations[size_t(c)], b.get(sum)));
    }
  }
  b.end();
  const int32_t y_at = b.emit(Op::add, times(s, kUnits * lanes), times(u, lanes));
  for (int a = 0; a < shape.units; ++a) {
    for (int c = 0; c < shape.samples; ++c) {
      b.store(2, y, y_at, c * kUnits * lanes + a * lanes, b.get(sums[size_t(a * shape.samples + c)]));
    }
  }
  b.end();
  b.end();
  return k;
}

int count_lines(std::string_view text, std::string_view part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

std::string hottest_loop(const std::string& assembly) {
  std::istringstream stream(assembly);
  std::vector<std::string> lines;
  std::map<std::string, size_t> labels;
  std::string hottest;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
    const size_t colon = line.find(':');
    if (line.starts_with(".LBB") && colon != std::string::npos) labels[line.substr(0, colon)] = lines.size();
    const size_t target = line.find(".LBB");
    if (!line.starts_with("\tj") || target == std::string::npos) continue;
    const auto label = labels.find(line.substr(target));
    if (label == labels.end()) continue;
    std::string loop;
    bool innermost = true;
    for (size_t k = label->second; k < lines.size(); ++k) {
      innermost = innermost && !lines[k].starts_with(".LBB");
      loop += lines[k] + "\n";
    }
    if (innermost && count_lines(loop, "vfmadd") > count_lines(hottest, "vfmadd")) hottest = loop;
  }
  return hottest;
}

}  // namespace shoal::test
