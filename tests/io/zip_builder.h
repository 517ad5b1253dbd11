// Zip archives byte by byte, with every field free to lie.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace shoal::test {

inline uint32_t crc32_of(const std::string& bytes) {
  uint32_t crc = ~0u;
  for (char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

struct ZipEntry {
  std::string name, content;
  uint32_t method = 0;           // 0 stored, 8 deflated
  int64_t declared_packed = -1;  // -1: the truth
  int64_t declared_unpacked = -1;
  int64_t declared_crc = -1;
  int64_t offset = -1;  // of the local header; -1: its own, which is then written
};

inline std::string zip_of(const std::vector<ZipEntry>& entries) {
  auto number = [](std::string& out, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> 8 * i & 255);
  };
  std::string out, directory;
  for (const ZipEntry& e : entries) {
    auto or_true = [](int64_t declared, uint64_t truth) {
      return declared < 0 ? truth : static_cast<uint64_t>(declared);
    };
    std::string common;  // the fields that both headers share
    number(common, 20, 2);
    number(common, 0, 2);
    number(common, e.method, 2);
    number(common, 0, 2);
    number(common, 1 << 5 | 1, 2);
    number(common, or_true(e.declared_crc, crc32_of(e.content)), 4);
    number(common, or_true(e.declared_packed, e.content.size()), 4);
    number(common, or_true(e.declared_unpacked, e.content.size()), 4);
    number(common, e.name.size(), 2);
    number(common, 0, 2);
    uint64_t at = or_true(e.offset, out.size());
    if (e.offset < 0) out += "PK\3\4" + common + e.name + e.content;
    directory += "PK\1\2";
    number(directory, 20, 2);
    directory += common;
    number(directory, 0, 2);
    number(directory, 0, 2);
    number(directory, 0, 2);
    number(directory, 0, 4);
    number(directory, at, 4);
    directory += e.name;
  }
  uint64_t start = out.size();
  out += directory + "PK\5\6";
  number(out, 0, 4);
  number(out, entries.size(), 2);
  number(out, entries.size(), 2);
  number(out, directory.size(), 4);
  number(out, start, 4);
  number(out, 0, 2);
  return out;
}

}  // namespace shoal::test
