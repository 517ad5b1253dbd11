// Reading what prediction and evaluation start from.
#include "tools/shoal/run_files.h"

#include <filesystem>

#include "compiler/support/error.h"
#include "runtime/run_directory.h"

namespace shoal::command {
namespace {

int64_t members_of(const std::vector<io::NamedTensor>& weights, const std::string& place) {
  if (weights.empty()) throw SpecError(place, "expected the parameters of a network, got no arrays");
  const io::NamedTensor& first = weights.front();
  if (first.tensor.shape.empty() || first.tensor.shape[0] < 1)
    throw SpecError(place, fmt::format("array \"{}\": expected shape [members, ...], got {}", first.name,
                                       io::shape_text(first.tensor.shape)));
  return first.tensor.shape[0];
}

}  // namespace

TrainedRun load_run(const std::string& path, const std::string& initial) {
  TrainedRun run;
  if (std::filesystem::is_directory(path)) {
    const runtime::RunDirectory directory(path);
    run.spec = read_spec(directory.read_spec(), directory.spec().string());
    run.scaling = directory.load_scaling();
    run.weights_place = initial.empty() ? directory.weights().string() : initial;
  } else {
    run.spec = load_spec(path);
    if (initial.empty()) throw SpecError(path, "expected a run directory, or a spec together with --init W.npz");
    run.weights_place = initial;
    if (run.spec.data && run.spec.data->scale == Scaling::divide)
      run.scaling = runtime::fit_scaling(runtime::ScalingKind::divide, run.spec.data->divisor, {});
    else if (run.spec.data && run.spec.data->scale != Scaling::none)
      throw SpecError(path,
                      "the inputs are scaled with statistics of the training data, which only a run directory has");
  }
  run.weights = io::read_npz(run.weights_place);
  run.members = members_of(run.weights, run.weights_place);
  return run;
}

void add_storage_option(CLI::App& command, std::string& storage) {
  command.add_option("--storage", storage, "how parameters are stored: f32, f16 or bf16; default: the spec's")
      ->check(CLI::IsMember({"f32", "f16", "bf16"}));
}

void apply_storage(const std::string& storage, TrainedRun& run) {
  for (DType dtype : {DType::f32, DType::f16, DType::bf16})
    if (storage == dtype_name(dtype)) run.spec.model.network.storage = dtype;
}

}  // namespace shoal::command
