// Raw arrays to a dataset: shapes and values checked against the network.
#include "runtime/dataset.h"

#include <algorithm>

#include "compiler/support/error.h"

namespace shoal::runtime {
namespace {

Shape with_samples(int64_t samples, const Shape& shape) {
  Shape whole{samples};
  whole.insert(whole.end(), shape.begin(), shape.end());
  return whole;
}

// Whether `found` is [N, shape...], or holds each sample flat, or (one unit) is [N].
bool fits(const Shape& found, const Shape& shape) {
  if (found.empty()) return false;
  const Shape row(found.begin() + 1, found.end());
  if (row == shape) return true;
  const int64_t units = element_count(shape);
  return (row.size() == 1 && row[0] == units) || (row.empty() && units == 1);
}

std::vector<int32_t> checked_labels(const io::Tensor& y, int64_t samples, int64_t classes, const std::string& place) {
  const bool column = y.shape.size() == 2 && y.shape[1] == 1;
  if ((y.shape.size() != 1 && !column) || y.shape[0] != samples)
    throw SpecError(place, fmt::format("expected one label for each of {} samples, shape [{}], got {}", samples,
                                       samples, io::shape_text(y.shape)));
  std::vector<int32_t> labels = io::to_int32(y, place);
  for (size_t i = 0; i < labels.size(); ++i)
    if (labels[i] < 0 || labels[i] >= classes)
      throw SpecError(place,
                      fmt::format("sample {}: expected a label from 0 to {} (the network has {} outputs), got {}", i,
                                  classes - 1, classes, labels[i]));
  return labels;
}

std::vector<float> checked_targets(const io::Tensor& y, int64_t samples, const Shape& output,
                                   const std::string& place) {
  if (!fits(y.shape, output) || y.shape[0] != samples)
    throw SpecError(place, fmt::format("expected shape {} (samples, then the network's output), got {}",
                                       shape_text(with_samples(samples, output)), io::shape_text(y.shape)));
  return io::to_float(y, place, io::NonFinite::refuse);
}

}  // namespace

Dataset make_dataset(const Model& model, const RawData& raw) {
  Dataset data;
  data.input = model.network.input;
  data.output = output_shape(model.network);
  const std::string x_place = raw.place + ", x", y_place = raw.place + ", y";
  if (!fits(raw.x.shape, data.input))
    throw SpecError(x_place, fmt::format("expected shape [N, {} (samples, then the network's input), got {}",
                                         shape_text(data.input).substr(1), io::shape_text(raw.x.shape)));
  data.samples = raw.x.shape[0];
  if (data.samples < 1) throw SpecError(x_place, "expected at least one sample, got none");
  if (data.samples > (int64_t{1} << 31) - (int64_t{1} << 16))
    throw SpecError(x_place, fmt::format("expected fewer than 2^31 - 2^16 samples, got {}", data.samples));
  data.x = io::to_float(raw.x, x_place, io::NonFinite::refuse);
  if (!raw.y) return data;
  check(model.loss != nullptr, "make_dataset: targets without a loss");
  switch (model.loss->target()) {
    case TargetKind::label:
      data.labels = checked_labels(*raw.y, data.samples, element_count(data.output), y_place);
      break;
    case TargetKind::same_shape: data.targets = checked_targets(*raw.y, data.samples, data.output, y_place); break;
  }
  return data;
}

Dataset select_samples(const Dataset& data, std::span<const int64_t> indices) {
  Dataset chosen;
  chosen.samples = static_cast<int64_t>(indices.size());
  chosen.input = data.input;
  chosen.output = data.output;
  const int64_t inputs = element_count(data.input), outputs = element_count(data.output);
  for (const int64_t i : indices) {
    check(i >= 0 && i < data.samples, "select_samples: {} of {}", i, data.samples);
    chosen.x.insert(chosen.x.end(), data.x.begin() + i * inputs, data.x.begin() + (i + 1) * inputs);
    if (!data.labels.empty()) chosen.labels.push_back(data.labels[static_cast<size_t>(i)]);
    if (!data.targets.empty())
      chosen.targets.insert(chosen.targets.end(), data.targets.begin() + i * outputs,
                            data.targets.begin() + (i + 1) * outputs);
  }
  return chosen;
}

}  // namespace shoal::runtime
