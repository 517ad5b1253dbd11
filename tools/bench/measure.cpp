// Runs a work repeatedly, with the FMA peak measured in between, and checks two steps of two members in double.
#include "tools/bench/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "compiler/graph/evaluate.h"
#include "compiler/graph/loops.h"
#include "compiler/programs/programs.h"
#include "frontend/json/spec.h"
#include "runtime/devices.h"
#include "tools/bench/setup.h"

namespace shoal::bench {
namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Multiply-adds of the contractions of one step of one member.
double multiply_adds(const Graph& graph) {
  double total = 0;
  const std::vector<int32_t> loops = loop_of(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (node.prim != Prim::contract) continue;
    double points = node.varies.sample || node.attrs.over_sample ? static_cast<double>(graph.batch) : 1;
    if (loops[n] >= 0) points *= static_cast<double>(graph.loops[loops[n]].extent);
    std::string seen;
    for (size_t k = 0; k < 2; ++k) {
      const std::string& letters = k ? node.attrs.b : node.attrs.a;
      for (size_t d = 0; d < letters.size(); ++d)
        if (seen.find(letters[d]) == std::string::npos) {
          seen += letters[d];
          points *= static_cast<double>(graph[node.inputs[k]].shape[d]);
        }
    }
    total += points;
  }
  return total;
}

// The first members' part of every input, as the evaluator wants it.
Evaluation inputs_of(Setup& setup, int64_t members) {
  Evaluation e;
  e.members = members;
  for (const Argument& a : setup.program.module().arguments) {
    if (a.is_output) continue;
    runtime::PopulationArray& array =
        setup.program.has(a.name) ? setup.program.array(a.name) : setup.population.array(a.name);
    std::vector<double>& values = e.inputs[a.name].values;
    if (value_dtype(a.dtype) == DType::f32) {
      std::vector<float> all = array.read<float>();
      values.assign(all.begin(), all.end());
    } else {
      std::vector<int32_t> all = array.read<int32_t>();
      values.assign(all.begin(), all.end());
    }
    if (a.varies.member)
      values.resize(values.size() / static_cast<size_t>(setup.population.members()) * static_cast<size_t>(members));
  }
  return e;
}

// Largest difference from the evaluator after two steps (or one forward pass), as a part of the largest change.
double error_against_evaluator(Setup& setup, bool train) {
  setup.reset();
  constexpr int64_t members = 2;
  const Graph& graph = setup.program.program().graph;
  Evaluation e = inputs_of(setup, std::min(members, setup.population.members()));
  Evaluation start = e;
  std::map<std::string, Array> expected;
  for (int step = 0; step < (train ? 2 : 1); ++step, ++e.step) {
    expected = evaluate(graph, e);
    for (const Output& output : graph.outputs)
      if (output.state != no_node) e.inputs[graph[output.state].attrs.name] = expected.at(output.name);
  }
  setup.program.launch(train ? 2 : 1, 0);
  double difference = 0, change = 0;
  auto compare = [&](const std::vector<float>& got, const Array& want, const Array* from) {
    for (size_t i = 0; i < want.values.size(); ++i) {
      double error = std::abs(static_cast<double>(got[i]) - want.values[i]);
      difference = std::isnan(error) ? INFINITY : std::max(difference, error);
      change = std::max(change, std::abs(want.values[i] - (from ? from->values[i] : 0)));
    }
  };
  if (!train) compare(setup.program.array("y").read<float>(), expected.at("y"), nullptr);
  for (const Parameter& p : setup.program.program().parameters)
    if (train) compare(setup.population.array(p.name).read<float>(), e.inputs.at(p.name), &start.inputs.at(p.name));
  return difference / change;
}

// Seconds of launches that take about `seconds` each, and of the FMA peak or the bandwidth measured before each.
struct Times {
  int64_t steps = 1;
  std::vector<double> seconds, gflops, bytes_per_ns;
};

Times time_launches(Setup& setup, bool train, int repetitions, double seconds) {
  Times times;
  CeilingMeter meter(setup.population.device());
  auto launch = [&] {
    double start = now();
    std::unique_ptr<Ticket> last;
    if (train)
      last = setup.program.start(times.steps, 0);
    else
      for (int64_t i = 0; i < times.steps; ++i) last = setup.program.start(1, 0);
    last->wait();
    return now() - start;
  };
  launch();  // touches all memory
  // Twice: a launch of one step takes the parameters in and out for it alone, so many take less than as many of it.
  for (int estimate = 0; estimate < 2; ++estimate) {
    const double one = launch() / static_cast<double>(times.steps);
    times.steps = std::clamp<int64_t>(static_cast<int64_t>(seconds / std::max(one, 1e-6)), 1, 1 << 16);
  }
  for (int r = 0; r < repetitions; ++r) {
    times.gflops.push_back(meter.fma_gflops());
    if (!train) times.bytes_per_ns.push_back(meter.memory_bytes_per_ns());
    times.seconds.push_back(launch());
  }
  return times;
}

}  // namespace

std::string default_device() { return SHOAL_CPU ? "cpu" : "cuda"; }

Measurement measure(const Work& work, const Request& request) {
  const Spec spec = read_spec(work.spec, work.name);
  Measurement m;
  m.name = work.name;
  m.members = request.members > 0 ? request.members : spec.population.members;
  const std::string name = request.device.empty() ? default_device() : request.device;
  const auto device = runtime::open_device({.name = name, .threads = request.threads});
  Setup all(*device, m.members, program_of(work, spec), request.schedule);
  m.device = device->description();
  const Graph& graph = all.program.program().graph;
  m.batch = graph.batch;
  for (const Parameter& p : all.program.program().parameters) m.parameters += element_count(p.shape);
  m.schedule = all.program.module().schedule;
  m.why = all.program.module().why;
  m.front_ms = all.program.compile_seconds() * 1e3;
  m.back_ms = all.program.load_report().seconds * 1e3;
  m.error = error_against_evaluator(all, work.train);
  all.reset();
  auto per_member = [&](const Times& t) { return median(t.seconds) * 1e9 / static_cast<double>(t.steps * m.members); };
  Times times = time_launches(all, work.train, request.repetitions, request.seconds);
  m.ns = per_member(times);
  m.useful_gflops = 2 * multiply_adds(graph) / m.ns;
  m.peak_fraction = m.useful_gflops / median(times.gflops);
  const auto bytes = static_cast<double>(m.parameters * dtype_bytes(spec.model.network.storage));
  if (!work.train) m.memory_fraction = bytes / m.ns / median(times.bytes_per_ns);
  if (device->target().kind != Target::Kind::cpu) return m;
  const auto one_thread = runtime::open_device({.name = name, .threads = 1});
  Setup one(*one_thread, m.members, program_of(work, spec), m.schedule);
  m.ns_one_thread = per_member(time_launches(one, work.train, std::max(3, request.repetitions / 3), request.seconds));
  return m;
}

}  // namespace shoal::bench
