// The CUDA device over a fake libcuda: sequences of calls, errors with names and sizes, nothing leaked on any path.
#include <numeric>

#include "tests/cuda/fake_device.h"

namespace shoal::cuda {
namespace {

TEST_F(FakeDevice, DescribesItselfAndItsTarget) {
  CudaDevice device(options);
  EXPECT_EQ(device.name(), "cuda");
  EXPECT_THAT(device.description(), HasSubstr("Fake GPU, sm_90, 132 multiprocessors, 80.0 GiB, NVRTC "));
  EXPECT_EQ(device.target().sm, 90);
  EXPECT_EQ(device.target().shared_bytes, 227 << 10);
  EXPECT_EQ(device.target().workers, 132);
}

TEST_F(FakeDevice, MemoryIsZeroedAndReadsBackWhatWasWritten) {
  CudaDevice device(options);
  const auto buffer = device.allocate(40);
  std::vector<int32_t> words(10, -1);
  buffer->read(words.data(), 40);
  EXPECT_EQ(words, std::vector<int32_t>(10, 0));
  std::iota(words.begin(), words.end(), 0);
  buffer->write(words.data() + 2, 32, 8);
  std::vector<int32_t> back(10);
  buffer->read(back.data(), 40);
  EXPECT_EQ(back, (std::vector<int32_t>{0, 0, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(message_of([&] { buffer->read(back.data(), 8, 36); }), "read of 8 bytes at 36 in a buffer of 40 bytes");
  EXPECT_EQ(message_of([&] { buffer->write(back.data(), 1, -1); }), "write of 1 bytes at -1 in a buffer of 40 bytes");
  EXPECT_EQ(device.allocate(0)->bytes(), 0);
}

TEST_F(FakeDevice, LaunchPassesArgumentsInOrder) {
  const Module m = module_of(cuda_kernels::loops_and_conditions());
  {
    CudaDevice device(options);
    const auto executable = device.load(m);
    const auto x = device.allocate(256), out = device.allocate(256), counts = device.allocate(256);
    executable->launch({x.get(), out.get(), counts.get()}, {5, 11});
  }
  EXPECT_STREQ(fake.log(),
               "init\nretain\nstream1 created\nload cubin\nfunction loops_and_conditions\n"
               "allocate 256 on stream1\nfill memory0 0 256\nallocate 256 on stream1\nfill memory1 0 256\n"
               "allocate 256 on stream1\nfill memory2 0 256\n"
               "launch 2x1x1 32x1x1 shared 0 memory0 memory1 memory2 5 11 on stream1\n"
               "run fill memory0\nrun fill memory1\nrun fill memory2\nrun launch of loops_and_conditions\n"
               "synchronize event\nfree memory2 on stream1\nfree memory1 on stream1\nfree memory0 on stream1\n"
               "run free memory2\nrun free memory1\nrun free memory0\nsynchronize stream1\nunload\n"
               "synchronize stream1\nstream1 destroyed\nrelease\n");
}

TEST_F(FakeDevice, SharedMemoryIsAskedForBeforeTheLaunch) {
  const Module m = module_of(cuda_kernels::memory_spaces());
  CudaDevice device(options);
  const auto executable = device.load(m);
  EXPECT_THAT(fake.log(), HasSubstr("attribute 8 = 1536\n"));  // 64 * 4 floats and 64 * 2 integers
}

TEST_F(FakeDevice, ObjectsOutliveTheDevice) {
  std::unique_ptr<DeviceBuffer> buffer;
  std::unique_ptr<Executable> executable;
  {
    CudaDevice device(options);
    buffer = device.allocate(1024);
    executable = device.load(module_of(cuda_kernels::lane_exchange()));
  }
  EXPECT_NE(fake.leaks(), 0);
  int32_t word = 1;
  buffer->read(&word, 4);
  EXPECT_EQ(word, 0);
}

TEST_F(FakeDevice, LoadsFromMemoryThenDiskThenCompilesAgainWhenDamaged) {
  const Module m = module_of(cuda_kernels::lane_exchange());
  MemoryCache cache;
  LoadReport report;
  {
    CudaDevice device(options, &cache);
    device.load(m, &report);
    EXPECT_EQ(report.source, LoadReport::Source::compiled);
    EXPECT_EQ(report.key.size(), 32u);
    device.load(m, &report);
    EXPECT_EQ(report.source, LoadReport::Source::memory);
  }
  EXPECT_EQ(cache.entries.size(), 1u);
  CudaDevice device(options, &cache);
  device.load(m, &report);
  EXPECT_EQ(report.source, LoadReport::Source::disk);
  CudaDevice third(options, &cache);
  fake.fail("load cubin", 0, 200);
  third.load(m, &report);
  EXPECT_EQ(report.source, LoadReport::Source::compiled);
}

TEST_F(FakeDevice, TheKeyHoldsArchitectureAndSource) {
  MemoryCache cache;
  const Module m = module_of(cuda_kernels::lane_exchange());
  CudaDevice(options, &cache).load(m);
  fake.set_device(1, 80);
  CudaDevice(options, &cache).load(m);
  Module other = m;
  other.source += "// a comment\n";
  CudaDevice(options, &cache).load(other);
  EXPECT_EQ(cache.entries.size(), 3u);
}

TEST_F(FakeDevice, ArgumentsThatCannotServeAreNamed) {
  CudaDevice device(options), second(options);
  const auto executable = device.load(module_of(cuda_kernels::loops_and_conditions()));
  const auto x = device.allocate(256), out = device.allocate(256), small = device.allocate(255);
  const auto foreign = second.allocate(256);
  EXPECT_EQ(message_of([&] { executable->launch({x.get()}, {1, 2}); }),
            "launch of loops_and_conditions with 1 buffers and 2 scalars, it takes 3 and 2");
  EXPECT_EQ(message_of([&] { executable->launch({x.get(), out.get(), small.get()}, {1, 2}); }),
            "launch of loops_and_conditions: buffer counts has 255 bytes, it needs 256");
  EXPECT_EQ(message_of([&] { executable->launch({x.get(), foreign.get(), out.get()}, {1, 2}); }),
            "launch of loops_and_conditions: buffer out is not of this device");
}

TEST_F(FakeDevice, ErrorsOfTheDriverCarryNamesAndSizes) {
  const Module m = module_of(cuda_kernels::loops_and_conditions());
  CudaDevice device(options);
  fake.set_memory(1000000);
  EXPECT_EQ(message_of([&] { device.allocate(1 << 20); }),
            "cannot allocate 1048576 bytes on the GPU, 1000000 of its 1000000 bytes are free: "
            "CUDA_ERROR_OUT_OF_MEMORY (2): as planned by the test");
  EXPECT_EQ(device.available_bytes(), 1000000);
  const auto executable = device.load(m);
  const auto x = device.allocate(256), out = device.allocate(256), counts = device.allocate(256);
  fake.fail_running(0, 700);
  EXPECT_EQ(message_of([&] { executable->launch({x.get(), out.get(), counts.get()}, {5, 11}); }),
            "launch of loops_and_conditions, 2 blocks of 32 threads with 0 bytes of shared memory: "
            "CUDA_ERROR_ILLEGAL_ADDRESS (700): an illegal memory access was encountered");
}

// Each call that can fail, made to fail once: an exception, and TearDown finds nothing left behind.
TEST_F(FakeDevice, NoFailureLeaks) {
  const Module m = module_of(cuda_kernels::memory_spaces());
  for (const char* symbol : {"cuInit", "cuDevicePrimaryCtxRetain", "cuStreamCreate", "load cubin",
                             "cuModuleGetFunction", "cuFuncSetAttribute", "cuMemAllocAsync", "cuMemsetD8Async",
                             "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2", "cuEventCreate", "cuEventRecord",
                             "cuLaunchKernel", "cuEventSynchronize", "cuStreamSynchronize", "cuCtxPushCurrent_v2"}) {
    fake.reset();
    fake.fail(symbol, 0, 1);
    const std::string message = message_of([&] {
      CudaDevice device(options);
      const auto executable = device.load(m);
      std::vector<std::unique_ptr<DeviceBuffer>> buffers;
      std::vector<DeviceBuffer*> arguments;
      for (const auto& words : cuda_kernels::memory_spaces().buffers) {
        buffers.push_back(device.allocate(static_cast<int64_t>(words.size()) * 4));
        buffers.back()->write(words.data(), 16);
        arguments.push_back(buffers.back().get());
      }
      executable->launch(arguments, {});
      int32_t word = 0;
      buffers[0]->read(&word, 4);
    });
    EXPECT_THAT(message, HasSubstr("CUDA_ERROR_OTHER (1)")) << symbol;
    EXPECT_EQ(fake.leaks(), 0) << symbol << "\n" << fake.log();
  }
}

TEST_F(FakeDevice, TooMuchSharedMemoryIsRefusedBeforeTheLaunch) {
  cuda_kernels::Sample sample = cuda_kernels::memory_spaces();
  sample.kernel.shared_elements = 100000;
  CudaDevice device(options);
  EXPECT_EQ(message_of([&] { device.load(module_of(sample)); }),
            "memory_spaces needs 400000 bytes of shared memory a block, the device has 232448");
}

TEST_F(FakeDevice, AbsentGpusAreNamed) {
  const auto open = [&] { return message_of([&] { CudaDevice device(options); }); };
  fake.fail("cuInit", 0, 34);
  EXPECT_EQ(open(), "no CUDA device: the libcuda.so.1 found is the toolkit's stub, not a driver");
  fake.fail("cuInit", 0, 100);
  EXPECT_EQ(open(), "no CUDA device: the driver sees no GPU");
  fake.set_device(0, 90);
  EXPECT_EQ(open(), "no CUDA device: the driver sees no GPU");
  fake.set_device(1, 75);
  EXPECT_EQ(open(), "no CUDA device: Fake GPU is sm_75, older than sm_80");
  fake.set_device(2, 90);
  options.ordinal = 2;
  EXPECT_EQ(open(), "no CUDA device: number 2 of 2 was asked for");
}

TEST_F(FakeDevice, ADeviceNewerThanTheTableRunsThroughPtx) {
  fake.set_device(1, 199);
  CudaDevice device(options);
  EXPECT_EQ(device.target().sm, 199);
  device.load(module_of(cuda_kernels::lane_exchange()));
  EXPECT_THAT(fake.log(), HasSubstr("load ptx\n"));
}

TEST(CudaDeviceMissing, SaysThatThereIsNoDriver) {
  const std::string message = message_of(
      [] { CudaDevice device({.ordinal = 0, .driver_path = "/nonexistent/libcuda.so.1", .nvrtc_path = {}}); });
  EXPECT_EQ(message, "no CUDA device: /nonexistent/libcuda.so.1 not found");
}

TEST(CudaDeviceMissing, TheMachineItselfHasADeviceOrSaysWhyNot) {
  const std::string message = message_of([] { CudaDevice device; });
  if (message != "no error") {
    EXPECT_THAT(message, testing::StartsWith("no CUDA device: "));
  }
}

TEST(CudaDeviceMissing, ALibraryThatIsNoDriverIsNamed) {
  const std::string message =
      message_of([] { CudaDevice device({.ordinal = 0, .driver_path = "libm.so.6", .nvrtc_path = {}}); });
  EXPECT_THAT(message, testing::StartsWith("no CUDA device: "));
  EXPECT_THAT(message, HasSubstr("has no cuInit"));
}

}  // namespace
}  // namespace shoal::cuda
