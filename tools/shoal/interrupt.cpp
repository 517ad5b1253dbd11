// The one variable that a signal handler can reach has to be global; it is seen in this file alone.
#include "tools/shoal/interrupt.h"

#include <csignal>

namespace shoal::command {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler must not wait for a lock");

extern "C" void on_interrupt(int signal_number) {
  interrupted.store(true, std::memory_order_relaxed);
  std::signal(signal_number, SIG_DFL);
}

}  // namespace

InterruptFlag::InterruptFlag() {
  interrupted.store(false, std::memory_order_relaxed);
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

InterruptFlag::~InterruptFlag() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

const std::atomic<bool>* InterruptFlag::flag() const { return &interrupted; }

}  // namespace shoal::command
