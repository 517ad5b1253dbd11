// Filling of parameters: blocks of Philox for many members at once, as loops over arrays that compilers vectorise.
#include <algorithm>
#include <array>
#include <cmath>

#include "compiler/support/error.h"
#include "runtime/random.h"
#include "runtime/random_normal.h"

namespace shoal {

namespace {

constexpr int64_t batch = 128;  // blocks of four numbers: the arrays below fit in L1
using Words = std::array<uint32_t, batch>;
using Numbers = std::array<double, batch>;

// philox() of random_philox.h for a batch of counters c[0..3][i] under one key.
void philox_batch(std::array<Words, 4>& c, RandomStream stream) {
  auto k0 = static_cast<uint32_t>(stream.seed), k1 = static_cast<uint32_t>(stream.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (size_t i = 0; i < batch; ++i) {
      uint64_t a = uint64_t{0xD2511F53} * c[0][i], b = uint64_t{0xCD9E8D57} * c[2][i];
      c[0][i] = static_cast<uint32_t>(b >> 32) ^ c[1][i] ^ k0;
      c[2][i] = static_cast<uint32_t>(a >> 32) ^ c[3][i] ^ k1;
      c[1][i] = static_cast<uint32_t>(b);
      c[3][i] = static_cast<uint32_t>(a);
    }
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
}

void uniform_batch(const std::array<Words, 4>& words, const InitialDistribution& initializer,
                   std::array<Numbers, 4>& out) {
  double low = initializer.a, width = initializer.b - initializer.a;
  for (size_t w = 0; w < 4; ++w) {
    for (size_t i = 0; i < batch; ++i) out[w][i] = low + width * unit_interval(words[w][i]);
  }
}

void normal_batch(const std::array<Words, 4>& words, const InitialDistribution& initializer,
                  std::array<Numbers, 4>& out) {
  // Three loops, because a sqrt that may set errno would keep the work around it scalar.
  Numbers radius;
  for (size_t w = 0; w < 4; w += 2) {
    for (size_t i = 0; i < batch; ++i) radius[i] = squared_radius(words[w][i]);
    for (double& r : radius) r = std::sqrt(r);
    for (size_t i = 0; i < batch; ++i) {
      Turn t = turn(words[w + 1][i]);
      out[w][i] = initializer.a + initializer.b * (radius[i] * t.cosine);
      out[w + 1][i] = initializer.a + initializer.b * (radius[i] * t.sine);
    }
  }
}

}  // namespace

void fill(const InitialDistribution& initializer, uint64_t seed, std::string_view parameter, int64_t elements,
          int64_t first_member, int64_t last_member, float* out) {
  check(elements >= 0 && elements < (int64_t{1} << 34) && first_member >= 0 && first_member <= last_member &&
            last_member <= (int64_t{1} << 32),
        "fill of {} elements for the members {} to {}", elements, first_member, last_member);
  if (initializer.kind == InitialDistribution::Kind::constant) {
    std::fill(out, out + (last_member - first_member) * elements, static_cast<float>(initializer.a));
    return;
  }
  RandomStream stream = random_stream(seed, "parameter/" + std::string(parameter));
  std::array<Words, 4> words;
  std::array<Numbers, 4> numbers;
  // Blocks of small parameters are batched across members, so that a batch is always full but for the last.
  int64_t blocks_each = (elements + 3) / 4, blocks = blocks_each * (last_member - first_member);
  for (int64_t begin = 0; begin < blocks; begin += batch) {
    int64_t count = std::min(batch, blocks - begin);
    int64_t member = first_member + begin / blocks_each, inside = begin % blocks_each;
    for (int64_t i = 0, m = member, b = inside; i < batch; ++i) {
      auto at = static_cast<size_t>(i);
      words[0][at] = static_cast<uint32_t>(b);
      words[1][at] = static_cast<uint32_t>(m);
      words[2][at] = static_cast<uint32_t>(stream.purpose);
      words[3][at] = static_cast<uint32_t>(stream.purpose >> 32);
      if (++b == blocks_each) {
        b = 0;
        ++m;
      }
    }
    philox_batch(words, stream);
    switch (initializer.kind) {
      case InitialDistribution::Kind::constant: break;
      case InitialDistribution::Kind::uniform: uniform_batch(words, initializer, numbers); break;
      case InitialDistribution::Kind::normal: normal_batch(words, initializer, numbers); break;
    }
    for (int64_t i = 0, m = member, b = inside; i < count; ++i) {
      float* to = out + (m - first_member) * elements + b * 4;
      int64_t left = std::min<int64_t>(4, elements - b * 4);
      for (int64_t w = 0; w < left; ++w)
        to[w] = static_cast<float>(numbers[static_cast<size_t>(w)][static_cast<size_t>(i)]);
      if (++b == blocks_each) {
        b = 0;
        ++m;
      }
    }
  }
}

}  // namespace shoal
