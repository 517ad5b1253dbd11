// The host's data caches, as the kernel lists them.
#pragma once

#include <cstdint>
#include <string>

namespace shoal::cpu {

struct HostCaches {
  int64_t l1_bytes = 0, l2_bytes = 0;  // of one core; 0: unknown
  int64_t l3_bytes = 0;                // of all cores that share it; 0: none or unknown
};

// Reads `folder`/index*/{level,type,size} (Linux, Documentation/ABI/testing/sysfs-devices-system-cpu). Only where
// nothing is listed the C library is asked, which reports the L3 of a whole socket even where this machine is a part of
// one.
HostCaches host_caches(const std::string& folder = "/sys/devices/system/cpu/cpu0/cache");

}  // namespace shoal::cpu
