// 128-bit content hashes (XXH3).
#include "compiler/support/hash.h"

#include <fmt/format.h>
#include <xxhash.h>

namespace shoal {

std::string Hash128::hex() const { return fmt::format("{:016x}{:016x}", high, low); }

Hash128 hash128(std::string_view bytes) {
  XXH128_hash_t h = XXH3_128bits(bytes.data(), bytes.size());
  return {h.high64, h.low64};
}

}  // namespace shoal
