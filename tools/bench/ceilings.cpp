// Measuring with two hand-made kernels on a CPU (independent chains of multiply-adds, a sum over a large array), and
// with those of gpu_kernels.h on a GPU.
#include "tools/bench/ceilings.h"

#include <algorithm>
#include <chrono>

#include "compiler/support/error.h"
#include "tools/bench/gpu_kernels.h"

namespace shoal::bench {

using kernel::Op;

namespace {

constexpr int chains = 12;  // latency of 4 or 5 cycles, two a cycle
constexpr int fma_rounds = 100000;
constexpr int64_t fma_groups = 64;
constexpr int64_t read_vectors = 4096;  // of one group
constexpr int64_t read_groups = 2048;

Module module_of(const Device& device, kernel::Kernel k, int64_t groups) {
  Module m;
  m.target = device.target();
  m.kernel = std::move(k);
  m.groups = groups;
  m.source = emit::llvm(m.kernel, m.target.cpu);
  return m;
}

kernel::Kernel fma_kernel(int lanes) {
  kernel::Kernel k;
  k.name = "shoal_kernel";
  k.lanes = lanes;
  k.buffers.push_back({"out", kernel::Space::global, kernel::Type::f32, 0, 0, true});
  kernel::Builder b(k);
  int32_t lane = b.leaf(Op::lane);
  int32_t start = b.emit(Op::to_f32, lane);
  std::vector<int32_t> vars;
  for (int i = 0; i < chains; ++i) vars.push_back(b.var(b.emit(Op::add, start, b.constant(static_cast<float>(i)))));
  int32_t scale = b.constant(0.999f), offset = b.constant(0.001f);
  b.loop(b.constant_i32(fma_rounds));
  for (int32_t var : vars) b.set(var, b.emit(Op::fma, b.get(var), scale, offset));
  b.end();
  int32_t sum = b.get(vars[0]);
  for (int i = 1; i < chains; ++i) sum = b.emit(Op::add, sum, b.get(vars[i]));
  b.store(0, -1, lane, 0, sum);
  return k;
}

kernel::Kernel read_kernel(int lanes) {
  kernel::Kernel k;
  k.name = "shoal_kernel";
  k.lanes = lanes;
  k.buffers.push_back({"in", kernel::Space::global, kernel::Type::f32, 0, 0, false});
  k.buffers.push_back({"out", kernel::Space::global, kernel::Type::f32, 0, 0, true});
  kernel::Builder b(k);
  int32_t lane = b.leaf(Op::lane), group = b.leaf(Op::group);
  int32_t base = b.emit(Op::mul, b.emit(Op::to_i64, group), b.constant_i64(read_vectors * lanes));
  constexpr int unroll = 8;
  std::vector<int32_t> vars;
  for (int i = 0; i < unroll; ++i) vars.push_back(b.var(b.constant(0)));
  int32_t i = b.loop(b.constant_i32(read_vectors * lanes), static_cast<int64_t>(unroll) * lanes);
  int32_t index = b.emit(Op::add, lane, i);
  for (int u = 0; u < unroll; ++u)
    b.set(vars[u], b.emit(Op::add, b.get(vars[u]), b.load(0, base, index, static_cast<int64_t>(u) * lanes)));
  b.end();
  int32_t sum = b.get(vars[0]);
  for (int u = 1; u < unroll; ++u) sum = b.emit(Op::add, sum, b.get(vars[u]));
  b.store(1, -1, lane, 0, sum);
  return k;
}

double seconds_of(Executable& executable, const std::vector<DeviceBuffer*>& buffers,
                  const std::vector<int32_t>& scalars = {}) {
  auto start = std::chrono::steady_clock::now();
  executable.launch(buffers, scalars);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Seconds on the device for one round of a GPU kernel, over as many rounds as take a hundredth of a second.
double seconds_of_round(Executable& executable, const std::vector<DeviceBuffer*>& buffers, int32_t& rounds) {
  for (;;) {
    const std::unique_ptr<Ticket> ticket = executable.start(buffers, {rounds});
    ticket->wait();
    if (ticket->seconds() > 0.01 || rounds >= 1 << 24) return ticket->seconds() / rounds;
    rounds *= 2;
  }
}

}  // namespace

struct CeilingMeter::State {
  Device* device = nullptr;
  bool gpu = false;
  int lanes = 1;
  std::unique_ptr<Executable> fma, memory;
  std::unique_ptr<DeviceBuffer> out, large, copy;
  double threads = 0;  // of the GPU's FMA kernel
  int32_t fma_rounds_of_launch = 16, load_rounds = 16, copied_blocks = 0;
};

CeilingMeter::CeilingMeter(Device& device) : state_(std::make_unique<State>()) {
  State& s = *state_;
  const Target target = device.target();
  s.device = &device;
  s.gpu = target.kind == Target::Kind::cuda;
  s.lanes = target.lanes;
  s.out = device.allocate(4096);
  if (s.gpu) {
    const Module fma_module = gpu_fma(target);
    s.threads = static_cast<double>(fma_module.groups) * fma_module.kernel.warps * 32;
    s.fma = device.load(fma_module);
    s.memory = device.load(gpu_copy(target));
    const int64_t l2 = target.l2_bytes * target.workers;
    s.copied_blocks = static_cast<int32_t>(std::clamp<int64_t>(4 * l2, 64 << 20, 1 << 30) / (1024 * copied_floats));
    s.large = device.allocate(int64_t{s.copied_blocks} * 1024 * copied_floats);
    s.copy = device.allocate(s.large->bytes());
    return;
  }
  s.fma = device.load(module_of(device, fma_kernel(s.lanes), fma_groups));
  s.memory = device.load(module_of(device, read_kernel(s.lanes), read_groups));
  s.large = device.allocate(read_groups * read_vectors * s.lanes * 4);
  // Written, or every page would be the system's one page of zeros, which a cache holds.
  const std::vector<float> ones(static_cast<size_t>(read_vectors * s.lanes), 1.0f);
  const auto piece = static_cast<int64_t>(ones.size()) * 4;
  for (int64_t at = 0; at < s.large->bytes(); at += piece) s.large->write(ones.data(), piece, at);
}

CeilingMeter::~CeilingMeter() = default;

double CeilingMeter::fma_gflops() {
  State& s = *state_;
  if (s.gpu) return 2e-9 * fma_per_round * s.threads / seconds_of_round(*s.fma, {s.out.get()}, s.fma_rounds_of_launch);
  double flops = 2.0 * chains * fma_rounds * s.lanes * static_cast<double>(fma_groups);
  return flops / seconds_of(*s.fma, {s.out.get()}) * 1e-9;
}

double CeilingMeter::memory_bytes_per_ns() {
  State& s = *state_;
  if (s.gpu) {
    const auto ticket = s.memory->start({s.large.get(), s.copy.get()}, {s.copied_blocks});
    ticket->wait();
    return 2e-9 * static_cast<double>(s.large->bytes()) / ticket->seconds();
  }
  double bytes = static_cast<double>(read_groups * read_vectors * s.lanes * 4);
  return bytes / seconds_of(*s.memory, {s.large.get(), s.out.get()}) * 1e-9;
}

CeilingMeter::SharedLoadTimes CeilingMeter::shared_loads() {
  State& s = *state_;
  check(s.gpu, "shared memory of a device that has none");
  const auto seconds = [&](SharedLoads pattern) {
    const auto executable = s.device->load(gpu_shared_loads(s.device->target(), pattern));
    seconds_of_round(*executable, {s.out.get()}, s.load_rounds);  // warms up, finds the number of rounds
    return seconds_of_round(*executable, {s.out.get()}, s.load_rounds);
  };
  const double distinct = seconds(SharedLoads::distinct);
  return {seconds(SharedLoads::neighbours_share) / distinct, seconds(SharedLoads::every_other_shares) / distinct,
          seconds(SharedLoads::all_share) / distinct};
}

}  // namespace shoal::bench
