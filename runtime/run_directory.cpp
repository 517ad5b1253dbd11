// Reading and writing the files of a run directory that have no writer of their own.
#include "runtime/run_directory.h"

#include <system_error>

#include "compiler/support/error.h"
#include "runtime/io/atomic_file.h"
#include "runtime/io/file.h"

namespace shoal::runtime {
namespace {

constexpr uint64_t spec_limit = uint64_t{16} << 20;

constexpr int32_t last_kind = static_cast<int32_t>(ScalingKind::divide);

}  // namespace

void RunDirectory::create() const {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) throw RuntimeError(fmt::format("{}: cannot make the directory: {}", path_.string(), error.message()));
}

void RunDirectory::require() const {
  std::error_code error;
  if (!std::filesystem::is_regular_file(spec(), error))
    throw SpecError(path_.string(), "expected the directory of a training run, but it has no spec.json");
}

std::string RunDirectory::read_spec() const {
  require();
  return io::read_file(spec(), spec_limit);
}

void RunDirectory::save_spec(const std::string& json) const { io::write_file(spec(), json); }

void RunDirectory::save_scaling(const InputScaling& scaling) const {
  if (scaling.kind == ScalingKind::none) {
    std::error_code ignored;  // of an earlier run in the same folder; that there is none is the usual case
    std::filesystem::remove(this->scaling(), ignored);
    return;
  }
  const auto count = static_cast<int64_t>(scaling.shift.size());
  const std::vector<int32_t> kind{static_cast<int32_t>(scaling.kind)};
  io::write_npz(this->scaling(), {{"kind", io::make_tensor({}, kind)},
                                  {"shift", io::make_tensor({count}, scaling.shift)},
                                  {"scale", io::make_tensor({count}, scaling.scale)}});
}

InputScaling RunDirectory::load_scaling() const {
  InputScaling result;
  std::error_code error;
  if (!std::filesystem::exists(scaling(), error)) return result;
  const std::string place = scaling().string();
  const std::vector<io::NamedTensor> arrays = io::read_npz(scaling());
  const std::vector<int32_t> kind = io::to_int32(io::array_named(arrays, "kind", place), place);
  result.shift = io::to_float(io::array_named(arrays, "shift", place), place, io::NonFinite::refuse);
  result.scale = io::to_float(io::array_named(arrays, "scale", place), place, io::NonFinite::refuse);
  if (kind.size() != 1 || kind[0] < 1 || kind[0] > last_kind || result.shift.size() != result.scale.size() ||
      result.scale.empty())
    throw SpecError(place, "not the scaling of a training run");
  for (const float scale : result.scale)
    if (scale == 0) throw SpecError(place, "a scale is 0");
  result.kind = static_cast<ScalingKind>(kind[0]);
  return result;
}

}  // namespace shoal::runtime
