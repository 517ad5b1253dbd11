// 128-bit content hashes (XXH3), for cache keys and for naming dump folders.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace shoal {

struct Hash128 {
  uint64_t high = 0, low = 0;
  bool operator==(const Hash128&) const = default;
  std::string hex() const;  // 32 lower-case hexadecimal digits
};

Hash128 hash128(std::string_view bytes);

}  // namespace shoal
