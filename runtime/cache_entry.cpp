// The bytes of one cache entry.
#include "runtime/cache_entry.h"

#include <cstring>

#include "compiler/support/hash.h"

namespace shoal {

namespace {

constexpr std::string_view magic = "SHOALKC1";
constexpr size_t header_bytes = 24, hash_bytes = 16;

void append(std::string& out, uint64_t number) { out.append(reinterpret_cast<const char*>(&number), sizeof number); }

uint64_t number_at(std::string_view bytes, size_t at) {
  uint64_t number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

}  // namespace

std::string encode_cache_entry(std::string_view material, std::string_view value) {
  std::string out;
  out.reserve(header_bytes + material.size() + value.size() + hash_bytes);
  out += magic;
  append(out, material.size());
  append(out, value.size());
  out += material;
  out += value;
  Hash128 hash = hash128(out);
  append(out, hash.low);
  append(out, hash.high);
  return out;
}

std::optional<DecodedEntry> decode_cache_entry(std::string_view bytes) {
  if (bytes.size() < header_bytes + hash_bytes || bytes.substr(0, magic.size()) != magic) return std::nullopt;
  uint64_t material = number_at(bytes, 8), value = number_at(bytes, 16);
  uint64_t content = bytes.size() - header_bytes - hash_bytes;
  if (material > content || value != content - material) return std::nullopt;
  Hash128 hash = hash128(bytes.substr(0, bytes.size() - hash_bytes));
  size_t end = bytes.size() - hash_bytes;
  if (hash.low != number_at(bytes, end) || hash.high != number_at(bytes, end + 8)) return std::nullopt;
  return DecodedEntry{bytes.substr(header_bytes, static_cast<size_t>(material)),
                      bytes.substr(header_bytes + static_cast<size_t>(material), static_cast<size_t>(value))};
}

}  // namespace shoal
