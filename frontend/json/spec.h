// A spec: everything that a user says about a population in one JSON document, as plain structs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ops/formula.h"
#include "compiler/programs/network.h"

namespace shoal {

struct Training {
  int64_t batch = 32;
  int64_t epochs = 0;  // exactly one of epochs and steps is positive
  int64_t steps = 0;   // optimizer steps of every member
  bool operator==(const Training&) const = default;
};

// One hyperparameter that differs between members.
struct Vary {
  enum class Kind : uint8_t {
    log_uniform,  // drawn from [values[0], values[1]], uniform in the logarithm
    uniform,      // drawn from [values[0], values[1]]
    choice,       // drawn from values
    grid,         // member m has element m of the product of all grids, the last one named running fastest, repeated
    list,         // member m has values[m]
  } kind = Kind::choice;
  std::string name;  // "optimizer.lr", "loss.delta"
  std::vector<double> values;
  bool operator==(const Vary&) const = default;
};
std::string_view vary_kind_name(Vary::Kind);

struct Population {
  int64_t members = 1;
  int64_t seed = 0;
  std::vector<Vary> vary;  // in the order of the spec
  bool operator==(const Population&) const = default;
};

enum class Scaling : uint8_t { none, standard, minmax, divide };

struct Validation {
  double fraction = 0;  // of the samples, set aside before training; 0: none, or the arrays below
  std::string file;     // or samples of their own; empty: the file of the training data
  std::vector<std::string> x, y;
  bool operator==(const Validation&) const = default;
  bool separate() const { return !file.empty() || !x.empty() || !y.empty(); }
};

struct Data {
  std::string file;  // .npz, .npy, .csv; relative to the working directory
  // Arrays of an archive, or selectors of a table's columns (a name, an index from 0, a range "2:5"). Empty: the array
  // "x" or all columns but y's; the array "y" or the last column.
  std::vector<std::string> x, y;
  Validation validation;
  Scaling scale = Scaling::none;  // of x, with the statistics of the training samples
  double divisor = 1;             // of Scaling::divide
  bool operator==(const Data&) const = default;
};

struct Spec {
  Model model;
  std::optional<Training> training;
  Population population;
  std::optional<Data> data;
  std::vector<Formula> define;
};

// Whether two specs say the same; the places of layers, which serve messages, do not count.
bool operator==(const Spec&, const Spec&);

// Reads and checks a spec: syntax, names, values, that the layers fit and that sizes are sane. `source` names the text
// in messages about syntax; `overrides` are applied in order (see apply_override). Every error is a SpecError whose
// place is a JSON pointer, or "<source>:<line>:<column>".
Spec read_spec(std::string_view json, const std::string& source = "spec",
               const std::vector<std::string>& overrides = {});

// The spec as JSON, all defaults written out, so that it means the same for ever: read_spec(to_json(s)) == s.
std::string to_json(const Spec&);

// The text of a spec with one value changed: "training.batch=64", "optimizer.lr=0.01", "network.layers.0.units=8",
// "/population/vary/optimizer.lr=[...]" (a JSON pointer). The value is JSON, or else a plain text. Objects on the way
// are made when missing; the name of an op ("adam") may be left out. Throws SpecError with the assignment as place.
std::string apply_override(std::string_view json, std::string_view assignment);

}  // namespace shoal
