// CodeCache: a device's loaded code by key, newest first, and behind it what the kernel cache holds: the module's
// outline and its machine code in one entry.
#pragma once

#include <algorithm>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "compiler/outline.h"
#include "compiler/support/archive.h"
#include "compiler/support/error.h"
#include "runtime/device.h"
#include "runtime/kernel_cache.h"

namespace shoal {

// May be used from several threads at once.
template <typename Code>
class CodeCache {
 public:
  struct Found {
    Module outline;
    std::shared_ptr<Code> code;
    LoadReport::Source source;
  };

  explicit CodeCache(KernelCache* stored) : stored_(stored) {}

  // `link`: (machine code, function's name) -> std::shared_ptr<Code>; throws Error for code that is damaged.
  template <typename Link>
  std::optional<Found> find(const CacheKey& key, Link link) {
    if (std::optional<Found> known = in_memory(key.material)) return known;
    const std::optional<std::string> entry = stored_ ? stored_->find(key) : std::nullopt;
    if (!entry) return std::nullopt;
    std::string outline_bytes, machine_code;
    ByteReader reader(*entry);
    reader(outline_bytes, machine_code);
    std::optional<Module> outline = decode_outline(outline_bytes);
    if (reader.failed() || !reader.rest().empty() || !outline) return std::nullopt;
    try {
      Found found{std::move(*outline), nullptr, LoadReport::Source::disk};
      found.code = link(machine_code, found.outline.kernel.name);
      keep(key.material, found.outline, found.code);
      return found;
    } catch (const Error&) {
      return std::nullopt;  // a damaged entry is a miss; compiling writes it anew
    }
  }

  void store(const CacheKey& key, const Module& module, const std::string& machine_code, std::shared_ptr<Code> code) {
    const std::string outline = encode_outline(module);
    keep(key.material, *decode_outline(outline), std::move(code));
    if (!stored_) return;
    ByteWriter writer;
    writer(outline, machine_code);
    stored_->store(key, writer.bytes);
  }

 private:
  // Code is kept for the next load of the same module; the oldest goes first. Executables hold on to their own.
  static constexpr size_t most_kept = 64;
  struct Kept {
    std::string material;
    Module outline;
    std::shared_ptr<Code> code;
  };

  std::optional<Found> in_memory(const std::string& material) {
    const std::lock_guard lock(mutex_);
    const auto at = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& k) { return k.material == material; });
    if (at == kept_.end()) return std::nullopt;
    kept_.splice(kept_.begin(), kept_, at);
    return Found{at->outline, at->code, LoadReport::Source::memory};
  }

  void keep(const std::string& material, const Module& outline, std::shared_ptr<Code> code) {
    const std::lock_guard lock(mutex_);
    kept_.push_front({material, outline, std::move(code)});
    if (kept_.size() > most_kept) kept_.pop_back();
  }

  KernelCache* stored_;
  std::mutex mutex_;  // guards `kept_`
  std::list<Kept> kept_;
};

}  // namespace shoal
