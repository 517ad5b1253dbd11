// The rules that an access must keep.
#include "checker.h"

#include <fmt/format.h>

#include <algorithm>

namespace shoal::emulate {

void Checker::add_global(std::string name, char* low, int64_t bytes, bool read_only) {
  regions_.push_back({.name = std::move(name),
                      .low = low,
                      .high = low + bytes,
                      .read_only = read_only,
                      .words = std::vector<Word>(static_cast<size_t>((bytes + 3) / 4))});
}

void Checker::set_shared(char* low, int64_t bytes, int64_t arena_bytes) {
  add_global("shared memory", low, bytes, false);
  regions_.back().is_shared = true;
  arena_end_ = low + arena_bytes;
}

bool Checker::ordered(const Observer& me, const Access& before) {
  if (before.epoch < me.first_epoch_of_block) return false;  // another block of this launch
  if (before.epoch < me.epoch || before.thread == me.thread) return true;
  return before.thread / 32 == me.thread / 32 && (*me.clock)[before.thread % 32] >= before.clock;
}

void Checker::touch(Region& region, const Observer& me, int64_t index, bool write, const Complain& complain) {
  Word& word = region.words[static_cast<size_t>(index)];
  // Every block starts with shared memory of its own: what earlier blocks left there is not an access to it.
  const auto exists = [&](const Access& a) {
    return a.epoch != 0 && (!region.is_shared || a.epoch >= me.first_epoch_of_block);
  };
  const auto clash = [&](const Access& before, const char* what) {
    if (!exists(before) || ordered(me, before)) return;
    const bool other_block = before.epoch < me.first_epoch_of_block;
    complain(FaultKind::race,
             fmt::format("{}: {} word {}, thread {} after thread {}{} without a barrier between", what, region.name,
                         index, me.thread, before.thread, other_block ? " of another block" : ""));
  };
  if (!write && region.is_shared && !exists(word.write))
    complain(FaultKind::uninitialised,
             fmt::format("read of uninitialised shared word {} by thread {}", index, me.thread));
  clash(word.write, write ? "write after write" : "read after write");
  const Access now{me.epoch, (*me.clock)[me.thread % 32], me.thread};
  if (write) {
    for (const Access& read : word.reads) clash(read, "write after read");
    word.write = now;
  } else {
    const Access& first = word.reads[0];
    const bool replaces_first = !exists(first) || first.thread == me.thread || ordered(me, first);
    word.reads[replaces_first ? 0 : 1] = now;
  }
}

void Checker::judge(Region& region, const Observer& me, const char* address, int64_t bytes, bool write,
                    const Complain& complain) {
  const int64_t offset = address - region.low;
  if (offset < 0 || address + bytes > region.high)
    return complain(FaultKind::out_of_bounds,
                    fmt::format("{} of bytes {} to {} of {}, which has {}, by thread {}", write ? "write" : "read",
                                offset, offset + bytes - 1, region.name, region.high - region.low, me.thread));
  if (write && region.read_only)
    return complain(FaultKind::read_only, fmt::format("write to {}, which is read-only", region.name));
  const auto place = reinterpret_cast<uintptr_t>(address);
  if (bytes <= 16 && place % static_cast<uintptr_t>(bytes) != 0)
    complain(FaultKind::misaligned, fmt::format("{}-byte access at byte {} of {}", bytes, offset, region.name));
  for (int64_t word = offset / 4; word * 4 < offset + bytes; word++) touch(region, me, word, write, complain);
}

bool Checker::access(const Observer& me, const char* address, int64_t bytes, bool write, const Complain& complain) {
  for (Region& region : regions_) {
    const char* high = region.is_shared ? arena_end_ : region.high + redzone;
    const char* low = region.is_shared ? region.low : region.low - redzone;
    if (address < low || address >= high) continue;
    judge(region, me, address, bytes, write, complain);
    return true;
  }
  return false;
}

}  // namespace shoal::emulate
