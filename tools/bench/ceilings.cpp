// Two hand-made kernels: independent chains of fused multiply-adds, and a sum over a large array.
#include "tools/bench/ceilings.h"

#include <chrono>

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

double seconds_of(Executable& executable, const std::vector<DeviceBuffer*>& buffers) {
  auto start = std::chrono::steady_clock::now();
  executable.launch(buffers, {});
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

struct CeilingMeter::State {
  int lanes;
  std::unique_ptr<Executable> fma, read;
  std::unique_ptr<DeviceBuffer> out, large;
};

CeilingMeter::CeilingMeter(Device& device) : state_(std::make_unique<State>()) {
  state_->lanes = device.target().lanes;
  state_->fma = device.load(module_of(device, fma_kernel(state_->lanes), fma_groups));
  state_->read = device.load(module_of(device, read_kernel(state_->lanes), read_groups));
  state_->out = device.allocate(4096);
  state_->large = device.allocate(read_groups * read_vectors * state_->lanes * 4);
}

CeilingMeter::~CeilingMeter() = default;

double CeilingMeter::fma_gflops() {
  double flops = 2.0 * chains * fma_rounds * state_->lanes * static_cast<double>(fma_groups);
  return flops / seconds_of(*state_->fma, {state_->out.get()}) * 1e-9;
}

double CeilingMeter::read_bytes_per_ns() {
  double bytes = static_cast<double>(read_groups * read_vectors * state_->lanes * 4);
  return bytes / seconds_of(*state_->read, {state_->large.get(), state_->out.get()}) * 1e-9;
}

}  // namespace shoal::bench
