// Cache sizes are read as the kernel lists them.
#include "runtime/cpu/host_caches.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace shoal::cpu {
namespace {

class HostCachesTest : public testing::Test {
 protected:
  HostCachesTest() { std::filesystem::remove_all(folder_); }
  ~HostCachesTest() override { std::filesystem::remove_all(folder_); }

  void list(const std::string& index, const std::string& level, const std::string& type, const std::string& size) {
    const std::filesystem::path cache = folder_ / index;
    std::filesystem::create_directories(cache);
    std::ofstream(cache / "level") << level << '\n';
    std::ofstream(cache / "type") << type << '\n';
    std::ofstream(cache / "size") << size << '\n';
  }

  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("shoal-caches-" + std::to_string(getpid()));
};

TEST_F(HostCachesTest, AreThoseOfDataAtEachLevel) {
  list("index0", "1", "Data", "48K");
  list("index1", "1", "Instruction", "32K");
  list("index2", "2", "Unified", "2M");
  list("index3", "3", "Unified", "32768K");
  const HostCaches caches = host_caches(folder_.string());
  EXPECT_EQ(caches.l1_bytes, 48 << 10);
  EXPECT_EQ(caches.l2_bytes, 2 << 20);
  EXPECT_EQ(caches.l3_bytes, 32 << 20);
}

TEST_F(HostCachesTest, AMachineMayHaveNoL3) {
  list("index0", "1", "Data", "64K");
  list("index2", "2", "Unified", "1024K");
  EXPECT_EQ(host_caches(folder_.string()).l3_bytes, 0);
}

TEST_F(HostCachesTest, WhatIsNoSizeIsUnknown) {
  list("index0", "1", "Data", "32K");
  list("index2", "2", "Unified", "many");
  EXPECT_EQ(host_caches(folder_.string()).l2_bytes, 0);
}

TEST_F(HostCachesTest, WithoutAListTheyAreAskedOfTheLibrary) {
  EXPECT_EQ(host_caches((folder_ / "nothing").string()).l1_bytes, std::max(0L, sysconf(_SC_LEVEL1_DCACHE_SIZE)));
}

}  // namespace
}  // namespace shoal::cpu
