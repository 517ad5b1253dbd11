// The folder of a training run: what it learned, how it went, and what is needed to go on or to predict.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runtime/dataset.h"
#include "runtime/io/checkpoint.h"
#include "runtime/training_history.h"

namespace shoal::runtime {

// spec.json     the spec with all defaults and overrides
// weights.npz   parameters, [members, shape...] in PyTorch's layout, "0.weight"
// scaling.npz   shift and scale of the inputs, when they are scaled
// history.csv   quantiles over the population, a row a report
// members.csv   a row a member: varied hyperparameters, scores, divergence
// checkpoint    all state of training (and checkpoint.previous)
class RunDirectory {
 public:
  explicit RunDirectory(std::filesystem::path path) : path_(std::move(path)) {}

  // Makes the folder and its parents. RuntimeError when it cannot.
  void create() const;
  // Throws SpecError unless this is a folder with a spec.
  void require() const;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path spec() const { return path_ / "spec.json"; }
  std::filesystem::path weights() const { return path_ / "weights.npz"; }
  std::filesystem::path scaling() const { return path_ / "scaling.npz"; }
  std::filesystem::path history() const { return path_ / "history.csv"; }
  std::filesystem::path members() const { return path_ / "members.csv"; }
  std::filesystem::path checkpoint() const { return path_ / "checkpoint"; }

  std::string read_spec() const;
  void save_spec(const std::string& json) const;

  InputScaling load_scaling() const;  // of kind none when the run has none
  void save_scaling(const InputScaling&) const;

 private:
  std::filesystem::path path_;
};

}  // namespace shoal::runtime
