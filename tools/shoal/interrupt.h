// Ctrl-C as a flag that training polls between launches.
#pragma once

#include <atomic>

namespace shoal::command {

// While it lives, the first SIGINT or SIGTERM sets the flag, and the second one ends the process as usual.
class InterruptFlag {
 public:
  InterruptFlag();
  ~InterruptFlag();
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;
  const std::atomic<bool>* flag() const;
};

}  // namespace shoal::command
