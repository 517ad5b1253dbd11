// A CUDA device over the fake libcuda, for tests: its controls, modules to load, and a look for leaks at the end.
#pragma once

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "compiler/emit/emit.h"
#include "compiler/support/error.h"
#include "runtime/cuda/cuda_device.h"
#include "runtime/cuda/nvrtc.h"
#include "tests/cuda/fake_driver/fake_driver.h"
#include "tests/emit/cuda_kernels.h"

namespace shoal::cuda {

using testing::HasSubstr;

// A function of the fake libcuda, for what a host program would call itself.
template <typename Function>
Function* fake_function(const char* name) {
  void* library = dlopen(SHOAL_FAKE_DRIVER, RTLD_NOW | RTLD_LOCAL);
  if (!library) throw RuntimeError(dlerror());
  void* found = dlsym(library, name);
  if (!found) throw RuntimeError(dlerror());
  return reinterpret_cast<Function*>(found);
}

inline FakeControls& controls() { return *fake_function<FakeControls*()>("fake_controls")(); }

template <typename Action>
std::string message_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

struct MemoryCache : KernelCache {
  std::optional<std::string> find(const CacheKey& key) override {
    const auto found = entries.find(key.material);
    return found == entries.end() ? std::nullopt : std::optional(found->second);
  }
  void store(const CacheKey& key, std::string_view value) override { entries[key.material] = value; }
  std::map<std::string, std::string> entries;
};

inline Module module_of(const cuda_kernels::Sample& sample) {
  Module m;
  m.target.kind = Target::Kind::cuda;
  m.target.sm = 90;
  m.kernel = sample.kernel;
  m.source = emit::cuda(sample.kernel);
  m.groups = sample.groups;
  return m;
}

class FakeDevice : public testing::Test {
 protected:
  void SetUp() override {
    fake.reset();
    fake.set_checked(true);
    options.driver_path = SHOAL_FAKE_DRIVER;
    options.nvrtc_path = SHOAL_FAKE_NVRTC;
  }
  void TearDown() override {
    EXPECT_EQ(fake.leaks(), 0) << fake.log();
    EXPECT_STREQ(fake.faults(), "");
  }

  FakeControls& fake = controls();
  CudaOptions options;
};

}  // namespace shoal::cuda
