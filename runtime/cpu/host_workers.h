// The host program's job system as workers.
#pragma once

#include <mutex>

#include "runtime/cpu/workers.h"

namespace shoal::cpu {

class HostWorkers : public Workers {
 public:
  explicit HostWorkers(const JobSystem& jobs);
  int workers() const override { return jobs_.workers; }
  void run_each(int64_t n, const std::function<void(int64_t item)>& task) override;
  void run_together(int threads, const std::function<void(int thread)>& task) override;
  bool can_run_together() const override { return false; }

 private:
  JobSystem jobs_;
};

}  // namespace shoal::cpu
