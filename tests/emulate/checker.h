// Judges single accesses of emulated threads: bounds, alignment, initialisation, and races by epochs and vector clocks.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "emulate.h"

namespace shoal::emulate {

// Who accesses, and what it knows of the others. Epochs count block barriers over the whole launch, so a block's first
// epoch separates it from the blocks before; within an epoch `clock` says how far each lane of the own warp is known.
struct Observer {
  uint32_t epoch = 0, first_epoch_of_block = 0;
  uint16_t thread = 0;  // in its block
  const std::array<uint32_t, 32>* clock = nullptr;
};

class Checker {
 public:
  using Complain = std::function<void(FaultKind, const std::string&)>;

  void add_global(std::string name, char* low, int64_t bytes, bool read_only);
  void set_shared(char* low, int64_t bytes, int64_t arena_bytes);

  // False when the address belongs to no buffer or redzone it knows: the caller decides whether that is legal.
  bool access(const Observer&, const char* address, int64_t bytes, bool write, const Complain&);

 private:
  struct Access {
    uint32_t epoch = 0;  // 0: none yet
    uint32_t clock = 0;
    uint16_t thread = 0;
  };
  // One 4-byte word: its last write, and two readers from different threads (enough: a writer can be only one of them).
  struct Word {
    Access write;
    std::array<Access, 2> reads;
  };
  struct Region {
    std::string name;
    char* low = nullptr;
    char* high = nullptr;
    bool read_only = false, is_shared = false;
    std::vector<Word> words;
  };

  static bool ordered(const Observer&, const Access&);
  void touch(Region&, const Observer&, int64_t word, bool write, const Complain&);
  void judge(Region&, const Observer&, const char* address, int64_t bytes, bool write, const Complain&);

  static constexpr int64_t redzone = 64 << 10;
  std::vector<Region> regions_;
  const char* arena_end_ = nullptr;
};

}  // namespace shoal::emulate
