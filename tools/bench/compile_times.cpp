// Each repetition opens a device of its own, with an empty memory; compiling goes past the cache, recalling through it.
#include "tools/bench/compile_times.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "compiler/programs/programs.h"
#include "compiler/support/error.h"
#include "frontend/json/spec.h"
#include "runtime/cache.h"
#include "runtime/compiled_program.h"
#include "runtime/devices.h"

namespace shoal::bench {
namespace {

template <typename F>
double milliseconds(F&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The cache's folder, removed with the object.
struct Folder {
  std::string path = (std::filesystem::temp_directory_path() / "shoal-bench-XXXXXX").string();
  Folder() {
    if (!::mkdtemp(path.data())) throw RuntimeError("no temporary folder for the cache of the benchmark");
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
};

}  // namespace

Work largest_promised() {
  std::string layers;
  for (int i = 0; i < 8; ++i) layers += fmt::format(R"({}{{"dense": {{"units": 128}}}})", i ? R"(, "relu", )" : "");
  return {.name = "8x128",
          .spec = fmt::format(R"({{"shoal": 1, "name": "8x128", "network": {{"input": 128, "layers": [{}]}}, )"
                              R"("loss": "mse", "optimizer": "adam", "training": {{"batch": 32, "steps": 1}}, )"
                              R"("population": {{"members": 64, "seed": 1}}}})",
                              layers),
          .samples = 1024};
}

CompileTimes compile_times(const Work& work, const std::string& device_name, const std::string& schedule,
                           int64_t members, int repetitions) {
  const Folder folder;
  const auto make = [&] {
    const Spec spec = read_spec(work.spec, work.name);
    return work.train ? train(spec.model, {work.samples, spec.training->batch, 0}) : forward(spec.model, 1, true);
  };
  CompileTimes times;
  times.name = work.name;
  times.members = members > 0 ? members : read_spec(work.spec, work.name).population.members;
  std::vector<double> graph, source, code, recalled, known;
  for (int r = 0; r < repetitions; ++r) {
    Program program;
    graph.push_back(milliseconds([&] { program = make(); }));
    DiskCache nothing({.directory = {}});
    const auto fresh = runtime::open_device({.name = device_name, .jobs = {}, .cache = &nothing});
    const runtime::CompiledProgram compiled = runtime::compile_program(*fresh, times.members, program, schedule);
    source.push_back(compiled.compile_seconds * 1e3);
    code.push_back(compiled.report.seconds * 1e3);
    times.schedule = compiled.module.schedule;
    DiskCache cache({.directory = folder.path, .memory_bytes = 0});
    const auto device = runtime::open_device({.name = device_name, .jobs = {}, .cache = &cache});
    const auto recall = [&] { runtime::compile_program(*device, times.members, program, schedule); };
    const double first = milliseconds(recall);
    if (r > 0) recalled.push_back(first);
    known.push_back(milliseconds(recall));
  }
  times.graph = median(graph);
  times.source = median(source);
  times.code = median(code);
  times.recalled = median(recalled);
  times.known = median(known);
  return times;
}

}  // namespace shoal::bench
