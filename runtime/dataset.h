// Dataset: samples and targets as a network's programs take them, checked, split and scaled.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compiler/programs/network.h"
#include "runtime/io/npz.h"

namespace shoal::runtime {

// N samples: x [N, input...], and labels [N] or targets [N, output...], whichever the loss takes.
struct Dataset {
  int64_t samples = 0;
  Shape input, output;  // unit shapes
  std::vector<float> x;
  std::vector<int32_t> labels;  // TargetKind::label
  std::vector<float> targets;   // TargetKind::same_shape
  bool has_targets() const { return !labels.empty() || !targets.empty(); }
};

// What the files hold, before the network has been asked.
struct RawData {
  std::string place;  // "data/digits.npz", for messages
  io::Tensor x;
  std::optional<io::Tensor> y;
  std::vector<std::string> classes;  // of a text column of labels
};

// Where x and y stand. .npz: names of arrays, default "x" and "y". .csv: selectors of columns (see csv.h), default: y
// the last column (when there is to be a y), x all others. .npy: x alone, and no y.
struct DataSource {
  std::string file;
  std::vector<std::string> x, y;
  bool with_y = true;   // false: to predict; y is not looked for
  bool labels = false;  // y of a table is one column of classes
};
RawData read_data(const DataSource&);

// Checks shapes and values against the model and converts. Rows of x may be flat when their count is the input's.
// Without y (predict) the dataset has no targets; a model whose loss needs them is the caller's affair.
Dataset make_dataset(const Model&, const RawData&);

// The samples of `indices`, in that order.
Dataset select_samples(const Dataset&, std::span<const int64_t> indices);

// Training and validation samples by a permutation keyed by `seed`: round(fraction * N) samples are set aside, at least
// one of each kind is left. Throws SpecError for a fraction outside (0, 1) and fewer than 2 samples.
struct Split {
  Dataset train, validation;
};
Split split_dataset(const Dataset&, double fraction, uint64_t seed);

enum class ScalingKind : uint8_t { none, standard, minmax, divide };

// x becomes (x - shift) / scale: one shift and scale for each input unit, or a single one of each for all.
struct InputScaling {
  ScalingKind kind = ScalingKind::none;
  std::vector<float> shift, scale;
};
// standard: mean and standard deviation (of the population) of each unit; minmax: minimum and range. A unit that is
// constant has scale 1. divide: the divisor.
InputScaling fit_scaling(ScalingKind, double divisor, const Dataset& train);
void apply_scaling(const InputScaling&, Dataset&);

}  // namespace shoal::runtime
