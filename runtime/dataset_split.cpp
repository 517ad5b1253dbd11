// Splitting and scaling: what is set aside for validation, and the statistics of what remains.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "compiler/support/error.h"
#include "runtime/dataset.h"
#include "runtime/random.h"

namespace shoal::runtime {
namespace {

// Fisher and Yates' shuffle with Philox: the same on every platform.
std::vector<int64_t> permutation(int64_t n, uint64_t seed) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  const RandomStream stream = random_stream(seed, "validation split");
  for (int64_t i = n - 1; i > 0; --i) {
    const auto j =
        static_cast<int64_t>(random_uniform(stream, 0, static_cast<uint64_t>(i)) * static_cast<double>(i + 1));
    std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(std::min(j, i))]);
  }
  return order;
}

}  // namespace

Split split_dataset(const Dataset& data, double fraction, uint64_t seed) {
  if (!(fraction > 0 && fraction < 1))
    throw SpecError("/data/validation", fmt::format("expected a fraction between 0 and 1, got {}", fraction));
  if (data.samples < 2)
    throw SpecError("/data/validation", "expected at least two samples to set a part of them aside, got one");
  const int64_t wanted = std::llround(fraction * static_cast<double>(data.samples));
  const int64_t aside = std::clamp<int64_t>(wanted, 1, data.samples - 1);
  std::vector<int64_t> order = permutation(data.samples, seed);
  // In their own order: batches of a data set that is not shuffled stay what its author arranged.
  std::sort(order.begin(), order.begin() + aside);
  std::sort(order.begin() + aside, order.end());
  const std::span<const int64_t> all(order);
  return {select_samples(data, all.subspan(static_cast<size_t>(aside))),
          select_samples(data, all.first(static_cast<size_t>(aside)))};
}

InputScaling fit_scaling(ScalingKind kind, double divisor, const Dataset& train) {
  InputScaling scaling;
  scaling.kind = kind;
  const int64_t units = element_count(train.input), samples = train.samples;
  const auto at = [&](int64_t sample, int64_t unit) {
    return static_cast<double>(train.x[static_cast<size_t>(sample * units + unit)]);
  };
  const auto add = [&](double shift, double scale) {
    const auto rounded = static_cast<float>(scale);
    scaling.shift.push_back(static_cast<float>(shift));
    scaling.scale.push_back(rounded > 0 ? rounded : 1.0f);
  };
  switch (kind) {
    case ScalingKind::none: break;
    case ScalingKind::divide:
      if (!(std::isfinite(divisor) && divisor != 0))
        throw SpecError("/data/scale", fmt::format("expected a divisor other than 0, got {}", divisor));
      scaling.shift = {0.0f};
      scaling.scale = {static_cast<float>(divisor)};
      break;
    case ScalingKind::standard:
      for (int64_t unit = 0; unit < units; ++unit) {
        double mean = 0, square = 0;
        for (int64_t sample = 0; sample < samples; ++sample) mean += at(sample, unit);
        mean /= static_cast<double>(samples);
        for (int64_t sample = 0; sample < samples; ++sample)
          square += (at(sample, unit) - mean) * (at(sample, unit) - mean);
        // Rounding alone makes a constant unit's deviation; it must not be blown up to 1.
        const double deviation = std::sqrt(square / static_cast<double>(samples));
        add(mean, deviation > 1e-7 * std::abs(mean) ? deviation : 0);
      }
      break;
    case ScalingKind::minmax:
      for (int64_t unit = 0; unit < units; ++unit) {
        double low = at(0, unit), high = low;
        for (int64_t sample = 1; sample < samples; ++sample) {
          low = std::min(low, at(sample, unit));
          high = std::max(high, at(sample, unit));
        }
        add(low, high - low);
      }
      break;
  }
  return scaling;
}

void apply_scaling(const InputScaling& scaling, Dataset& data) {
  if (scaling.kind == ScalingKind::none) return;
  const auto units = static_cast<size_t>(element_count(data.input));
  const bool single = scaling.scale.size() == 1;
  if (!single && scaling.scale.size() != units)
    throw SpecError("scaling",
                    fmt::format("made for inputs of {} units, but the network has {}", scaling.scale.size(), units));
  for (size_t i = 0; i < data.x.size(); ++i) {
    const size_t unit = single ? 0 : i % units;
    const double shifted = static_cast<double>(data.x[i]) - static_cast<double>(scaling.shift[unit]);
    data.x[i] = static_cast<float>(shifted / static_cast<double>(scaling.scale[unit]));
  }
}

}  // namespace shoal::runtime
