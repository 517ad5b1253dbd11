// Buffers of the kernel, the member's place in each, and single elements read and written.
#include "compiler/lower/context.h"

#include <algorithm>
#include <cctype>

#include "compiler/support/error.h"

namespace shoal::lower {

using kernel::Op;
using kernel::Space;
using kernel::Type;

namespace {

Type memory_type(DType dtype) { return dtype == DType::f32 ? Type::f32 : Type::i32; }

std::string identifier(const std::string& name) {
  std::string text;
  for (char c : name) text += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0]))) text = "p" + text;
  return text;
}

}  // namespace

Context::Context(const plan::Plan& plan_, kernel::Builder& builder_)
    : plan(plan_), builder(builder_), addresses(builder_) {
  using plan::PopulationAxis;
  kernel::Kernel& k = builder.kernel();
  const plan::Schedule& schedule = plan.schedule;
  const plan::Spread& member = schedule[PopulationAxis::member];
  bool in_lanes = schedule.members_in_lanes();
  k.warps = schedule.warps();
  k.lanes = schedule.lanes();
  threads_share = !in_lanes && k.warps * k.lanes > member.warp;
  whole_group = schedule[PopulationAxis::sample].warp * schedule[PopulationAxis::unit].warp > 1;
  lane_ = builder.leaf(Op::lane);
  if (k.warps > 1) warp_ = builder.leaf(Op::warp);

  // The index of the member (or of the block of `lanes` members) that this thread works on, and its number in the
  // group.
  int32_t group = builder.leaf(Op::group);
  int32_t member_warp = -1;
  if (member.warp > 1) {
    int divisor = schedule[PopulationAxis::sample].warp * schedule[PopulationAxis::unit].warp;
    member_warp = divisor == 1 ? warp_ : builder.emit(Op::div, warp_, builder.constant_i32(divisor));
    group = builder.emit(Op::add, builder.emit(Op::mul, group, builder.constant_i32(member.warp)), member_warp);
  }
  int32_t member_index = builder.emit(Op::to_i64, group);
  auto member_base = [&](int64_t elements) {
    return builder.emit(Op::mul, member_index, builder.constant_i64(elements * (in_lanes ? k.lanes : 1)));
  };

  std::vector<std::string> used;
  auto unique = [&](std::string name) {
    name = identifier(name);
    std::string candidate = name;
    for (int i = 2; std::find(used.begin(), used.end(), candidate) != used.end(); ++i)
      candidate = name + "_" + std::to_string(i);
    used.push_back(candidate);
    return candidate;
  };
  buffer_.assign(plan.values.size(), -1);
  base_.assign(plan.values.size(), -1);
  for (const plan::PlanArgument& a : plan.arguments) {
    int64_t fixed = a.varies.member ? 0 : element_count(a.shape) * (a.varies.sample ? plan.batch : 1);
    buffer_[a.value] = static_cast<int32_t>(k.buffers.size());
    k.buffers.push_back({unique(a.name), Space::global, memory_type(a.dtype), fixed, 0, a.written});
    if (a.varies.member) base_[a.value] = member_base(plan.places[a.value].size);
  }
  int32_t scratch = -1;
  if (plan.scratch_size > 0) {
    scratch = static_cast<int32_t>(k.buffers.size());
    k.buffers.push_back({unique("scratch"), Space::global, Type::f32, 0, 0, true});
    scratch_base_ = member_base(plan.scratch_size);
  }
  int64_t sharing = in_lanes ? int64_t{k.lanes} * k.warps : member.warp;
  k.shared_elements = plan.shared_size * sharing;
  for (size_t v = 0; v < plan.values.size(); ++v) {
    const plan::Place& p = plan.places[v];
    if (plan.values[v].argument >= 0 || p.first_nest < 0) continue;
    if (p.kind == plan::Place::Kind::scratch) {
      buffer_[v] = scratch;
      base_[v] = scratch_base_;
      continue;
    }
    buffer_[v] = static_cast<int32_t>(k.buffers.size());
    int64_t size = in_lanes ? p.size * sharing : plan.shared_size * (sharing - 1) + p.size;
    int64_t offset = in_lanes ? p.offset * sharing : p.offset;
    k.buffers.push_back(
        {unique(plan.values[v].name), Space::shared, memory_type(plan.values[v].dtype), size, offset, true});
  }
  if (member.warp > 1 && !in_lanes && plan.shared_size > 0) member_warp_ = member_warp;
}

// (id / div) % count of an id in [0, total).
int32_t Context::part(int32_t id, int32_t div, int32_t count, int32_t total) {
  if (count == 1) return -1;
  std::array<int32_t, 5> key{id, div, count, 0, 0};
  if (int32_t known = threads_.find(key); known >= 0) return known;
  int32_t result = id;
  if (div > 1) result = builder.emit(Op::div, result, builder.constant_i32(div));
  if (div * count < total) result = builder.emit(Op::rem, result, builder.constant_i32(count));
  threads_.insert(key, result);
  return result;
}

int32_t Context::lane(const plan::AxisBinding& binding) {
  return part(lane_, binding.lane_div, binding.lane_count, builder.kernel().lanes);
}

int32_t Context::warp(const plan::AxisBinding& binding) {
  return part(warp_, binding.warp_div, binding.warp_count, builder.kernel().warps);
}

int32_t Context::thread(const plan::AxisBinding& binding) {
  if (binding.warp_count == 1) return lane(binding);
  std::array<int32_t, 5> key{binding.lane_div, binding.lane_count, binding.warp_div, binding.warp_count, 1};
  if (int32_t known = threads_.find(key); known >= 0) return known;
  int32_t result = builder.emit(Op::mul, warp(binding), builder.constant_i32(binding.lane_count));
  if (int32_t in_warp = lane(binding); in_warp >= 0) result = builder.emit(Op::add, result, in_warp);
  threads_.insert(key, result);
  return result;
}

int32_t Context::first_of_idle(const plan::Binding& binding) {
  int32_t pred = -1;
  auto require = [&](int32_t id, int32_t div, int32_t count, int32_t total) {
    if (count == 1) return;
    if (div > 1) id = builder.emit(Op::div, id, builder.constant_i32(div));
    if (div * count < total) id = builder.emit(Op::rem, id, builder.constant_i32(count));
    int32_t first = builder.emit(Op::eq, id, builder.constant_i32(0));
    pred = pred < 0 ? first : builder.emit(Op::band, pred, first);
  };
  require(lane_, binding.idle_lane_div, binding.idle_lanes, builder.kernel().lanes);
  require(warp_, binding.idle_warp_div, binding.idle_warps, builder.kernel().warps);
  return pred;
}

Context::Target Context::locate(int32_t value, const Linear& sample, const std::vector<Linear>& dims) const {
  const plan::Value& v = plan.values[value];
  const plan::Place& p = plan.places[value];
  Target target{buffer_[value], base_[value], {}};
  check(target.buffer >= 0, "value '{}' has no memory", v.name);
  Linear element;
  for (size_t d = 0; d < dims.size(); ++d) element.add(dims[d], p.strides[d]);
  if (v.varies.sample) {
    element.add(sample, p.sample_stride);
    if (p.sample_extent == plan.batch) element.add(chunk.base, p.sample_stride);
  }
  bool in_lanes = plan.schedule.members_in_lanes();
  bool shared = v.argument < 0 && p.kind == plan::Place::Kind::shared;
  if (p.kind == plan::Place::Kind::scratch) element.constant += p.offset;
  if (!in_lanes || !v.varies.member) {
    target.index = element;
    if (shared) target.index.add(member_warp_, plan.shared_size);
    return target;
  }
  // Members in lanes: each element is followed by its copies of the other lanes (and, in shared memory, warps).
  int64_t lanes = builder.kernel().lanes, copies = shared ? lanes * builder.kernel().warps : lanes;
  target.index.add(element, copies);
  target.index.add(lane_, 1);
  if (shared) target.index.add(warp_, lanes);
  return target;
}

void Context::prepare(int32_t value, const Linear& sample, const std::vector<Linear>& dims) {
  addresses.index(locate(value, sample, dims).index);
}

// Booleans are kept as 0 and 1; integers in scratch (which is f32) as their bits.
int32_t Context::from_memory(int32_t buffer, DType dtype, int32_t loaded) {
  if (dtype == DType::f32) return loaded;
  if (builder.kernel().buffers[buffer].type == Type::f32) loaded = builder.emit(Op::bits_i32, loaded);
  return dtype == DType::boolean ? builder.emit(Op::lt, builder.constant_i32(0), loaded) : loaded;
}

int32_t Context::to_memory(int32_t buffer, DType dtype, int32_t value) {
  if (dtype == DType::boolean) value = builder.emit(Op::to_i32, value);
  bool integer = dtype != DType::f32;
  return integer && builder.kernel().buffers[buffer].type == Type::f32 ? builder.emit(Op::bits_f32, value) : value;
}

int32_t Context::load(int32_t value, const Linear& sample, const std::vector<Linear>& dims, int32_t valid) {
  Target t = locate(value, sample, dims);
  DType dtype = plan.values[value].dtype;
  int32_t index = addresses.index(t.index);
  int64_t imm = t.index.constant;
  if (valid >= 0) {
    int32_t first = addresses.value(locate(value, {}, std::vector<Linear>(dims.size())).index);
    index = builder.emit(Op::select, valid, addresses.value(t.index), first);
    imm = 0;
  }
  std::array<int64_t, 4> key{t.buffer, t.base, index, imm};
  if (int32_t known = loads_.find(key); known >= 0) return known;
  int32_t result = from_memory(t.buffer, dtype, builder.load(t.buffer, t.base, index, imm));
  loads_.insert(key, result);
  return result;
}

void Context::store(int32_t value, const Linear& sample, const std::vector<Linear>& dims, int32_t scalar) {
  Target t = locate(value, sample, dims);
  int32_t index = addresses.index(t.index);
  builder.store(t.buffer, t.base, index, t.index.constant, to_memory(t.buffer, plan.values[value].dtype, scalar));
}

void Context::open() {
  addresses.open();
  loads_.open();
  threads_.open();
}

void Context::close() {
  addresses.close();
  loads_.close();
  threads_.close();
}

}  // namespace shoal::lower
