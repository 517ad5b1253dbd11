// The hand-written kernels of the CUDA emitter's tests.
#include "tests/emit/cuda_kernels.h"

#include <array>
#include <bit>
#include <random>

#include "tests/kernel/sample_kernels.h"

namespace shoal::cuda_kernels {
namespace {

using kernel::Builder;
using kernel::Op;
using kernel::Space;
using kernel::Type;

constexpr int lanes = 32;

Sample sample(std::string name, int warps) {
  Sample s;
  s.name = name;
  s.kernel.name = std::move(name);
  s.kernel.warps = warps;
  s.kernel.lanes = lanes;
  return s;
}

int32_t add_global(Sample& s, const std::string& name, Type type, std::vector<uint32_t> words) {
  s.kernel.buffers.push_back(
      {.name = name, .space = Space::global, .type = type, .size = static_cast<int64_t>(words.size())});
  s.buffers.push_back(std::move(words));
  return static_cast<int32_t>(s.kernel.buffers.size()) - 1;
}

int32_t add_scratch(Sample& s, const std::string& name, Space space, Type type, int64_t size) {
  kernel::Buffer buffer{.name = name, .space = space, .type = type, .size = size};
  if (space == Space::shared) {
    buffer.offset = s.kernel.shared_elements;
    s.kernel.shared_elements += size;
  }
  s.kernel.buffers.push_back(buffer);
  return static_cast<int32_t>(s.kernel.buffers.size()) - 1;
}

// Of tf32 and bf16: ties, what rounds up to infinity, infinity, NaNs, zeros.
constexpr std::array<uint32_t, 8> special_products = {0x3f801000u, 0x3f808000u, 0x7f7fffffu, 0x7f800000u,
                                                      0x7fffffffu, 0x80000000u, 0x00000000u, 0xbf801000u};

std::vector<uint32_t> zeros(int64_t n) { return std::vector<uint32_t>(static_cast<size_t>(n)); }

std::vector<uint32_t> random_floats(int64_t n, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> value(-4, 4);
  std::vector<uint32_t> words;
  for (int64_t i = 0; i < n; i++) words.push_back(std::bit_cast<uint32_t>(value(random)));
  return words;
}

std::vector<uint32_t> random_integers(int64_t n, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint32_t> words;
  for (int64_t i = 0; i < n; i++) words.push_back(static_cast<uint32_t>(random() >> (random() % 48)));
  return words;
}

// group * threads + warp * lanes + lane
int32_t thread_index(Builder& b) {
  const int32_t threads = b.constant_i32(b.kernel().warps * lanes);
  int32_t index = b.emit(Op::mul, b.leaf(Op::group), threads);
  index = b.emit(Op::add, index, b.emit(Op::mul, b.leaf(Op::warp), b.constant_i32(lanes)));
  return b.emit(Op::add, index, b.leaf(Op::lane));
}

// Stores `value` as result number `n` of this thread: out[n * threads + thread].
struct Results {
  Builder& b;
  int32_t out, thread, threads;
  int64_t n = 0;
  void operator()(int32_t value) { b.store(out, -1, thread, n++ * threads, value); }
};

}  // namespace

Sample float_arithmetic() {
  Sample s = sample("float_arithmetic", 1);
  constexpr int groups = 8, threads = groups * lanes;
  s.groups = groups;
  auto x = random_floats(threads, 1), y = random_floats(threads, 2), z = random_floats(threads, 3);
  // Zeros, infinities, NaN, the largest and the smallest normal number, one that rounds, each against each.
  const uint32_t special[] = {0,          0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000,
                              0x7fc00000, 0x7f7fffff, 0x00800000, 0x3f800001, 0x4b7fffff, 0xc0200000};
  for (size_t i = 0; i < 144; i++) {
    x[i] = special[i / 12];
    y[i] = special[i % 12];
  }
  const int32_t bx = add_global(s, "x", Type::f32, x), by = add_global(s, "y", Type::f32, y);
  const int32_t bz = add_global(s, "z", Type::f32, z), out = add_global(s, "out", Type::f32, zeros(threads * 16));
  Builder b(s.kernel);
  const int32_t thread = thread_index(b);
  const int32_t vx = b.load(bx, -1, thread, 0), vy = b.load(by, -1, thread, 0), vz = b.load(bz, -1, thread, 0);
  Results result{b, out, thread, threads};
  for (Op op : {Op::add, Op::sub, Op::mul, Op::div, Op::max, Op::min}) result(b.emit(op, vx, vy));
  result(b.emit(Op::fma, vx, vz, vy));
  for (Op op : {Op::neg, Op::abs, Op::floor, Op::sqrt, Op::exp2, Op::rcp}) result(b.emit(op, vx));
  for (Op op : {Op::lt, Op::le, Op::eq}) result(b.emit(Op::select, b.emit(op, vx, vy), vz, b.constant(-0.1f)));
  return s;
}

Sample integer_arithmetic() {
  Sample s = sample("integer_arithmetic", 1);
  constexpr int groups = 8, threads = groups * lanes;
  s.groups = groups;
  auto x = random_integers(threads, 4), y = random_integers(threads, 5);
  const uint32_t special[] = {0, 1, 0xffffffff, 0x80000000, 0x7fffffff, 31, 0x9e3779b9};
  for (size_t i = 0; i < 49; i++) {
    x[i] = special[i / 7];
    y[i] = special[i % 7];
  }
  const int32_t bx = add_global(s, "x", Type::i32, x), by = add_global(s, "y", Type::i32, y);
  const int32_t out = add_global(s, "out", Type::i32, zeros(threads * 30));
  Builder b(s.kernel);
  const int32_t thread = thread_index(b);
  const int32_t vx = b.load(bx, -1, thread, 0), vy = b.load(by, -1, thread, 0);
  const int32_t divisor = b.emit(Op::bor, vy, b.constant_i32(1));
  const int32_t amount = b.emit(Op::band, vy, b.constant_i32(31));
  Results result{b, out, thread, threads};
  for (Op op : {Op::add, Op::sub, Op::mul, Op::max, Op::min, Op::band, Op::bor, Op::bxor}) result(b.emit(op, vx, vy));
  result(b.emit(Op::div, vx, divisor));
  result(b.emit(Op::rem, vx, divisor));
  result(b.emit(Op::rem, thread, b.constant_i32(7)));
  result(b.emit(Op::shl, vx, amount));
  result(b.emit(Op::shr, vx, amount));
  // A hash: chains of wrapping operations, where signed arithmetic would be undefined.
  int32_t h = b.emit(Op::mul, vx, b.constant_i32(0x9e3779b9));
  h = b.emit(Op::bxor, h, b.emit(Op::shr, h, b.constant_i32(16)));
  h = b.emit(Op::mul, b.emit(Op::add, h, vy), b.constant_i32(0x85ebca6b));
  result(h);
  result(b.emit(Op::max, h, vy));
  result(b.emit(Op::sub, b.constant_i32(INT32_MIN), b.emit(Op::shr, h, b.constant_i32(9))));
  std::vector<int32_t> preds;
  for (Op op : {Op::lt, Op::le, Op::eq}) {
    preds.push_back(b.emit(op, vx, vy));
    preds.push_back(b.emit(op, h, vx));
  }
  const int32_t lx = b.emit(Op::to_i64, vx), ly = b.emit(Op::to_i64, vy);
  const int32_t wide = b.emit(Op::sub, b.emit(Op::mul, lx, b.constant_i64(3)), b.emit(Op::add, ly, ly));
  for (Op op : {Op::lt, Op::le, Op::eq}) preds.push_back(b.emit(op, wide, lx));
  preds.push_back(b.emit(Op::band, preds[0], preds[1]));
  preds.push_back(b.emit(Op::bor, preds[2], preds[6]));
  preds.push_back(b.emit(Op::bxor, preds[3], b.constant_pred(true)));
  preds.push_back(b.emit(Op::select, preds[0], preds[3], preds[7]));
  for (int32_t p : preds) result(b.emit(Op::to_i32, p));
  result(b.emit(Op::select, preds[0], h, vx));
  return s;
}

Sample conversions() {
  Sample s = sample("conversions", 1);
  constexpr int groups = 4, threads = groups * lanes;
  s.groups = groups;
  const int32_t bx = add_global(s, "x", Type::f32, random_floats(threads, 6));
  const int32_t bn = add_global(s, "n", Type::i32, random_integers(threads, 7));
  const int32_t floats = add_global(s, "floats", Type::f32, zeros(threads * 5));
  const int32_t integers = add_global(s, "integers", Type::i32, zeros(threads * 2));
  Builder b(s.kernel);
  const int32_t thread = thread_index(b);
  const int32_t x = b.load(bx, -1, thread, 0), n = b.load(bn, -1, thread, 0);
  Results as_float{b, floats, thread, threads}, as_integer{b, integers, thread, threads};
  as_float(b.emit(Op::to_f32, n));
  as_float(b.emit(Op::to_f32, b.emit(Op::mul, n, b.constant_i32(0x85ebca6b))));
  as_float(b.emit(Op::to_f32, b.emit(Op::lt, x, b.constant(0.5f))));
  // Bits of a hash made a float in [1, 2), as a random number generator does.
  const int32_t hash = b.emit(Op::mul, n, b.constant_i32(0x9e3779b9));
  as_float(b.emit(Op::bits_f32, b.emit(Op::bor, b.emit(Op::shr, hash, b.constant_i32(9)), b.constant_i32(0x3f800000))));
  as_float(b.emit(Op::bits_f32, b.emit(Op::bxor, b.emit(Op::bits_i32, x), b.constant_i32(INT32_MIN))));
  as_integer(b.emit(Op::to_i32, b.emit(Op::mul, x, b.constant(1000.0f))));
  as_integer(b.emit(Op::bits_i32, b.emit(Op::neg, b.emit(Op::mul, x, b.constant(-1e-3f)))));
  return s;
}

Sample loops_and_conditions() {
  Sample s = sample("loops_and_conditions", 1);
  s.groups = 2;
  s.kernel.scalars = {"steps", "int"};  // the second one is no identifier of C++
  s.scalars = {5, 11};
  const int32_t bx = add_global(s, "x", Type::f32, random_floats(64, 8));
  const int32_t out = add_global(s, "out", Type::f32, zeros(64));
  const int32_t counts = add_global(s, "counts", Type::i32, zeros(64));
  Builder b(s.kernel);
  const int32_t thread = thread_index(b), x = b.load(bx, -1, thread, 0);
  const int32_t sum = b.var(b.constant(0.0f)), count = b.var(b.constant_i32(0));
  const int32_t i = b.loop(b.scalar(0));
  const int32_t j = b.loop(b.emit(Op::add, i, b.scalar(1)), 3);
  b.set(sum, b.emit(Op::fma, b.get(sum), x, b.emit(Op::to_f32, b.emit(Op::add, i, j))));
  b.when(b.emit(Op::lt, b.get(sum), b.constant(0.0f)));
  b.set(count, b.emit(Op::add, b.get(count), b.constant_i32(1)));
  b.set(sum, b.emit(Op::mul, b.get(sum), b.constant(-0.5f)));
  b.end();
  b.end();
  // Each thread for itself: halve until small.
  b.repeat();
  b.set(sum, b.emit(Op::mul, b.get(sum), b.constant(0.5f)));
  b.set(count, b.emit(Op::add, b.get(count), b.constant_i32(100)));
  b.again(b.emit(Op::lt, b.constant(1.0f), b.emit(Op::abs, b.get(sum))));
  b.end();
  b.store(out, -1, thread, 0, b.get(sum));
  b.store(counts, -1, thread, 0, b.get(count));
  return s;
}

Sample memory_spaces() {
  Sample s = sample("memory_spaces", 2);
  constexpr int groups = 3, threads = 64;
  s.groups = groups;
  const int32_t in = add_global(s, "in", Type::f32, random_floats(groups * threads * 4, 9));
  const int32_t keys = add_global(s, "keys", Type::i32, random_integers(groups * threads * 2, 10));
  const int32_t out = add_global(s, "out", Type::f32, zeros(groups * threads * 4));
  const int32_t out_keys = add_global(s, "out_keys", Type::i32, zeros(groups * threads * 4));
  const int32_t tile = add_scratch(s, "tile", Space::shared, Type::f32, threads * 4);
  const int32_t pairs = add_scratch(s, "pairs", Space::shared, Type::i32, threads * 2);
  const int32_t acc = add_scratch(s, "acc", Space::local, Type::f32, 4);
  Builder b(s.kernel);
  const int32_t warp_base = b.emit(Op::mul, b.leaf(Op::warp), b.constant_i32(lanes));
  const int32_t t = b.emit(Op::add, warp_base, b.leaf(Op::lane));
  const int32_t t4 = b.emit(Op::mul, t, b.constant_i32(4)), t2 = b.emit(Op::mul, t, b.constant_i32(2));
  const int32_t group = b.emit(Op::to_i64, b.leaf(Op::group));
  const int32_t base = b.emit(Op::mul, group, b.constant_i64(threads * 4));
  const int32_t base2 = b.emit(Op::mul, group, b.constant_i64(threads * 2));
  const int32_t q = b.load(in, base, t4, 0, 4);
  for (int n = 0; n < 4; n++) b.store(tile, -1, t4, n, q + n, n == 0 ? 4 : 0);
  const int32_t k = b.load(keys, base2, t2, 0, 2);
  for (int n = 0; n < 2; n++) b.store(pairs, -1, t2, n, k + n, n == 0 ? 2 : 0);
  for (int n = 0; n < 4; n++) b.store(acc, -1, -1, n, b.constant(static_cast<float>(n)));
  b.barrier(true);
  // The other warp's tile, so that a barrier of one warp only would be a race.
  const int32_t other = b.emit(Op::bxor, t, b.constant_i32(lanes));
  const int32_t other4 = b.emit(Op::mul, other, b.constant_i32(4)), other2 = b.emit(Op::mul, other, b.constant_i32(2));
  b.loop(b.constant_i32(3));
  const int32_t r = b.load(tile, -1, other4, 0, 4);
  for (int n = 0; n < 4; n++)
    b.store(acc, -1, -1, n, b.emit(Op::fma, r + n, r + (n ^ 1), b.load(acc, -1, -1, (n + 1) % 4)));
  b.end();
  const int32_t p = b.load(pairs, -1, other2, 0, 2);
  const int32_t result[] = {b.load(acc, -1, -1, 0), b.load(acc, -1, -1, 1), b.load(acc, -1, -1, 2),
                            b.load(acc, -1, -1, 3)};
  for (int n = 0; n < 4; n++) b.store(out, base, t4, n, result[n], n == 0 ? 4 : 0);
  const int32_t sum = b.emit(Op::add, p, p + 1);
  const int32_t words[] = {p, p + 1, sum, t};
  for (int n = 0; n < 4; n++) b.store(out_keys, base, t4, n, words[n], n == 0 ? 4 : 0);
  b.barrier(true);
  b.store(tile, -1, t, 0, result[0]);
  b.barrier(false);
  const int32_t neighbour = b.load(tile, -1, b.emit(Op::bxor, t, b.constant_i32(1)), 0);
  b.store(out, base, t4, 0, b.emit(Op::add, neighbour, b.load(out, base, t4, 1)));
  return s;
}

Sample lane_exchange() {
  Sample s = sample("lane_exchange", 2);
  const int32_t x = add_global(s, "x", Type::f32, random_floats(64, 11));
  const int32_t n = add_global(s, "n", Type::i32, random_integers(64, 12));
  const int32_t out = add_global(s, "out", Type::f32, zeros(64));
  const int32_t out_n = add_global(s, "out_n", Type::i32, zeros(128));
  Builder b(s.kernel);
  const int32_t thread = thread_index(b);
  int32_t sum = b.load(x, -1, thread, 0);
  for (int mask = 16; mask > 0; mask /= 2) sum = b.emit(Op::add, sum, b.lanes_xor(sum, mask));
  b.store(out, -1, thread, 0, sum);
  const int32_t hash = b.emit(Op::mul, b.load(n, -1, thread, 0), b.constant_i32(0x9e3779b9));
  b.store(out_n, -1, thread, 0, b.lanes_xor(hash, 4));
  b.store(out_n, -1, thread, 64, b.emit(Op::to_i32, b.lanes_xor(b.emit(Op::lt, hash, b.constant_i32(0)), 8)));
  return s;
}

Sample order_of_effects() {
  Sample s = sample("order_of_effects", 1);
  const int32_t x = add_global(s, "x", Type::f32, random_floats(64, 13));
  const int32_t out = add_global(s, "out", Type::f32, zeros(320));
  const int32_t cell = add_scratch(s, "cell", Space::shared, Type::f32, 32);
  const int32_t reg = add_scratch(s, "reg", Space::local, Type::f32, 1);
  Builder b(s.kernel);
  const int32_t lane = b.leaf(Op::lane);
  Results result{b, out, lane, 32};
  const int32_t first = b.load(x, -1, lane, 0), second = b.load(x, -1, lane, 32);
  // A var read before it is set, used after: single uses, which the emitter would like to write where they are used.
  const int32_t v = b.var(first);
  const int32_t old = b.get(v);
  b.set(v, second);
  result(b.emit(Op::sub, old, b.get(v)));
  // The same through an expression, which holds the read until its own user takes it.
  const int32_t doubled = b.emit(Op::mul, b.get(v), b.constant(2.0f));
  b.set(v, b.emit(Op::add, b.get(v), b.constant(1.0f)));
  result(b.emit(Op::sub, doubled, b.get(v)));
  // Shared memory.
  b.store(cell, -1, lane, 0, first);
  const int32_t before = b.load(cell, -1, lane, 0);
  b.store(cell, -1, lane, 0, second);
  result(b.emit(Op::sub, before, b.load(cell, -1, lane, 0)));
  // A local register.
  b.store(reg, -1, -1, 0, first);
  const int32_t reg_before = b.load(reg, -1, -1, 0);
  b.store(reg, -1, -1, 0, second);
  result(b.emit(Op::sub, reg_before, b.load(reg, -1, -1, 0)));
  // Global memory that is both read and written.
  const int32_t out_before = b.load(out, -1, lane, 0);
  b.store(out, -1, lane, 0, b.emit(Op::add, out_before, b.constant(1.0f)));
  result(out_before);
  // A read before a loop that changes it, used after the loop.
  const int32_t start = b.get(v);
  b.loop(b.constant_i32(3));
  b.set(v, b.emit(Op::mul, b.get(v), b.constant(1.5f)));
  b.end();
  result(b.emit(Op::sub, start, b.get(v)));
  // A loop whose count is a var that the body changes: the count is read once.
  const int32_t count = b.var(b.constant_i32(3));
  const int32_t trips = b.var(b.constant(0.0f));
  b.loop(b.get(count));
  b.set(count, b.constant_i32(1));
  b.set(trips, b.emit(Op::add, b.get(trips), b.constant(1.0f)));
  b.end();
  result(b.get(trips));
  return s;
}

Sample halves() {
  Sample s = sample("halves", 2);
  constexpr int patterns = 65536, threads = 64, each = 8;
  s.groups = patterns / (threads * each);
  std::vector<uint32_t> words;
  for (uint32_t bits = 0; bits < patterns; bits += 2) words.push_back(bits | (bits + 1) << 16);
  Builder b(s.kernel);
  for (Type type : {Type::f16, Type::bf16}) {
    s.kernel.buffers.push_back({.name = std::string(type_name(type)), .type = type, .size = patterns});
    s.buffers.push_back(words);
  }
  const int32_t out = add_global(s, "out", Type::f32, zeros(2 * patterns));
  const int32_t thread = thread_index(b), first = b.emit(Op::mul, thread, b.constant_i32(each));
  for (int32_t in : {0, 1}) {
    Results results{b, out, thread, patterns / each, in * each};
    const int32_t quad = b.load(in, -1, first, 0, 4), pair = b.load(in, -1, first, 4, 2);
    for (int32_t n = 0; n < 4; n++) results(quad + n);
    for (int32_t n = 0; n < 2; n++) results(pair + n);
    const int32_t one = b.load(in, -1, first, 6);
    results(b.emit(Op::fma, one, one, one));  // used thrice
    results(b.load(in, -1, first, 7));
  }
  return s;
}

Sample tensor_products(bool bf16) {
  Sample s;
  s.name = bf16 ? "products_of_bf16" : "products_of_tf32";
  s.kernel = kernel::kernel_of_tensor_cores(bf16);
  uint64_t seed = 21;
  for (const kernel::Buffer& buffer : s.kernel.buffers)
    s.buffers.push_back(buffer.written ? zeros(buffer.size) : random_floats(buffer.size, seed++));
  for (size_t i = 0; i < special_products.size(); ++i) s.buffers[0][i] = special_products[i];
  return s;
}

std::vector<Sample> all_samples() {
  std::vector<Sample> samples{float_arithmetic(),     integer_arithmetic(), conversions(),      loops_and_conditions(),
                              memory_spaces(),        lane_exchange(),      order_of_effects(), halves(),
                              tensor_products(false), tensor_products(true)};
  for (uint64_t seed = 1; seed <= 4; seed++) samples.push_back(random_program(seed));
  return samples;
}

}  // namespace shoal::cuda_kernels
