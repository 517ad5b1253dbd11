// The bytes of one cache entry: key material and value in one file, so that they cannot come apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shoal {

// "SHOALKC1"  u64 size of the material  u64 size of the value  material  value  XXH3-128 of all before it
std::string encode_cache_entry(std::string_view material, std::string_view value);

struct DecodedEntry {
  std::string_view material, value;
};
std::optional<DecodedEntry> decode_cache_entry(std::string_view bytes);  // nothing: damaged, torn or foreign

}  // namespace shoal
