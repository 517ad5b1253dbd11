// The cache of machine code as devices see it: bytes by key. Where the bytes are kept is the implementation's affair.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace shoal {

// Everything that can change the code, as bytes: source, target, options, compiler version. Compared in full on a hit.
struct CacheKey {
  std::string material;
};

// May be used from several threads at once. Failure to read is a miss, failure to write is silent.
class KernelCache {
 public:
  virtual ~KernelCache() = default;
  virtual std::optional<std::string> find(const CacheKey&) = 0;
  virtual void store(const CacheKey&, std::string_view value) = 0;
};

}  // namespace shoal
