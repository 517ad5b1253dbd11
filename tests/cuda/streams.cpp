// Asynchronous work on the fake libcuda: nothing runs before it is asked for, so a missing synchronisation shows; the
// caller's contexts and streams; errors at wait(); several devices.
#include <array>

#include "tests/cuda/fake_device.h"

namespace shoal::cuda {
namespace {

// Three buffers and a kernel that writes two of them.
struct Work {
  explicit Work(Device& device)
      : sample(cuda_kernels::loops_and_conditions()), executable(device.load(module_of(sample))) {
    for (const auto& words : sample.buffers) {
      buffers.push_back(device.allocate(static_cast<int64_t>(words.size()) * 4));
      buffers.back()->write(words.data(), static_cast<int64_t>(words.size()) * 4);
      arguments.push_back(buffers.back().get());
    }
  }
  std::unique_ptr<Ticket> start() const { return executable->start(arguments, sample.scalars); }
  std::vector<uint32_t> read(size_t which) const {
    std::vector<uint32_t> words(sample.buffers[which].size());
    buffers[which]->read(words.data(), static_cast<int64_t>(words.size()) * 4);
    return words;
  }

  cuda_kernels::Sample sample;
  std::unique_ptr<Executable> executable;
  std::vector<std::unique_ptr<DeviceBuffer>> buffers;
  std::vector<DeviceBuffer*> arguments;
};

// What the host program has of its own: a context of the driver, a stream in it.
struct Host {
  explicit Host(int device = 0) {
    fake_function<int(void**, unsigned, int)>("cuCtxCreate_v2")(&context, 0, device);
    fake_function<int(void**, unsigned)>("cuStreamCreate")(&stream, 1);
  }
  ~Host() {
    fake_function<int(void*)>("cuStreamDestroy_v2")(stream);
    fake_function<int(void*)>("cuCtxDestroy_v2")(context);
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  void *context = nullptr, *stream = nullptr;
};

void* current_context() {
  void* context = nullptr;
  fake_function<int(void**)>("cuCtxGetCurrent")(&context);
  return context;
}

TEST_F(FakeDevice, AStartedLaunchRunsLaterAndItsTicketSaysWhen) {
  CudaDevice device(options);
  const Work work(device);
  const auto ticket = work.start();
  EXPECT_THAT(fake.log(), Not(HasSubstr("run launch")));
  EXPECT_FALSE(ticket->ready());
  ticket->wait();
  EXPECT_THAT(fake.log(), HasSubstr("run launch of loops_and_conditions"));
  EXPECT_TRUE(ticket->ready());
  EXPECT_GT(ticket->seconds(), 0);
  EXPECT_NE(work.read(1), work.sample.buffers[1]);
}

TEST_F(FakeDevice, AskingAgainAndAgainEnds) {
  CudaDevice device(options);
  const Work work(device);
  const auto ticket = work.start();
  int asked = 0;
  while (!ticket->ready()) ASSERT_LT(++asked, 100);
  EXPECT_GT(asked, 0);
}

// The host's own synchronous copy does not wait for shoal's stream: a program that forgets to wait reads old data.
TEST_F(FakeDevice, ReadingWithoutWaitingReadsOldData) {
  CudaDevice device(options);
  const Host host;
  unsigned long long memory = 0;
  options.context = host.context;
  options.stream = host.stream;
  CudaDevice own(options);
  Work work(own);
  fake_function<int(unsigned long long*, size_t)>("cuMemAlloc_v2")(&memory, 256);
  const auto view = own.view(memory, 256);
  work.arguments[1] = view.get();
  std::vector<int32_t> before(64), after(64);
  const auto copy = fake_function<int(void*, unsigned long long, size_t)>("cuMemcpyDtoH_v2");
  const auto ticket = work.start();
  copy(before.data(), memory, 256);
  ticket->wait();
  copy(after.data(), memory, 256);
  EXPECT_EQ(before, std::vector<int32_t>(64, static_cast<int32_t>(0xa5a5a5a5)));
  EXPECT_NE(after, before);
  work.buffers.clear();
  fake_function<int(unsigned long long)>("cuMemFree_v2")(memory);
}

TEST_F(FakeDevice, EverythingHappensOnTheCallersStreamAndItsContextStaysCurrent) {
  const Host host;
  options.context = host.context;
  options.stream = host.stream;
  {
    CudaDevice device(options);
    const Work work(device);
    work.start()->wait();
    EXPECT_EQ(current_context(), host.context);
  }
  const std::string log = fake.log();
  EXPECT_THAT(log, HasSubstr("on stream1\n"));
  EXPECT_THAT(log, Not(HasSubstr("stream2")));
  EXPECT_THAT(log, Not(HasSubstr("retain")));
  EXPECT_THAT(log, Not(HasSubstr("\nsynchronize\n")));  // of a whole context: never
  EXPECT_THAT(log, Not(HasSubstr("stream1 destroyed")));
}

TEST_F(FakeDevice, AnotherStreamCanBeHeldBackUntilTheWorkIsDone) {
  const Host host;
  options.context = host.context;
  CudaDevice device(options);
  Work work(device);
  const auto ticket = work.start();
  ticket->hold_back(reinterpret_cast<uintptr_t>(host.stream));
  unsigned long long memory = 0;
  fake_function<int(unsigned long long*, size_t)>("cuMemAlloc_v2")(&memory, 256);
  fake_function<int(unsigned long long, unsigned char, size_t, void*)>("cuMemsetD8Async")(memory, 0, 256, host.stream);
  EXPECT_THAT(fake.log(), Not(HasSubstr("run launch")));
  fake_function<int(void*)>("cuStreamSynchronize")(host.stream);
  EXPECT_THAT(fake.log(), HasSubstr("run launch"));
  fake_function<int(unsigned long long)>("cuMemFree_v2")(memory);
}

TEST_F(FakeDevice, AStreamWithoutItsContextIsRefused) {
  const Host host;
  options.stream = host.stream;
  EXPECT_EQ(message_of([&] { CudaDevice device(options); }),
            "no CUDA device: a stream was given without the context that it belongs to");
}

TEST_F(FakeDevice, ErrorsOfTheWorkAppearAtWait) {
  CudaDevice device(options);
  const Work work(device);
  fake.fail_running(0, 700);
  const auto ticket = work.start();  // throws nothing
  for (int twice = 0; twice < 2; ++twice)
    EXPECT_THAT(message_of([&] { ticket->wait(); }),
                HasSubstr("launch of loops_and_conditions, 2 blocks of 32 threads with 0 bytes of shared memory: "
                          "CUDA_ERROR_ILLEGAL_ADDRESS (700)"));
  EXPECT_TRUE(ticket->ready());
  EXPECT_THAT(message_of([&] { device.allocate(16); }), HasSubstr("(700)"));  // the context is lost
}

TEST_F(FakeDevice, ATicketMayBeDroppedAndWhatItKeepsMayGo) {
  {
    CudaDevice device(options);
    const Work work(device);
    work.start();
  }  // the code waits for its launch before it goes, and memory is freed behind it
  EXPECT_THAT(fake.log(), HasSubstr("run launch"));
}

TEST_F(FakeDevice, EachDeviceHasItsOwnContext) {
  fake.set_device(2, 90);
  CudaDevice first(options);
  options.ordinal = 1;
  CudaDevice second(options);
  const Work here(first), there(second);
  here.start()->wait();
  there.start()->wait();
  EXPECT_EQ(here.read(1), there.read(1));
  const auto foreign = second.allocate(256);
  Work mixed(first);
  mixed.arguments[1] = foreign.get();
  EXPECT_THAT(message_of([&] { mixed.start(); }), HasSubstr("is not of this device"));
}

TEST_F(FakeDevice, ViewsAreBoundedAndNeverFreed) {
  const Host host;
  options.context = host.context;
  CudaDevice device(options);
  unsigned long long memory = 0;
  fake_function<int(unsigned long long*, size_t)>("cuMemAlloc_v2")(&memory, 256);
  EXPECT_EQ(device.view(memory + 64, 192)->bytes(), 192);
  EXPECT_THAT(message_of([&] { device.view(memory + 64, 193); }),
              HasSubstr("the allocation there ends after 192 bytes"));
  std::array<int, 4> on_host{};
  EXPECT_THAT(message_of([&] { device.view(reinterpret_cast<uintptr_t>(on_host.data()), 16); }),
              HasSubstr("no memory that the GPU can reach"));
  EXPECT_EQ(fake_function<int(unsigned long long)>("cuMemFree_v2")(memory), 0);
}

TEST_F(FakeDevice, ADriverThatRefusesTheCubinGetsPtx) {
  CudaDevice device(options);
  fake.fail("load cubin", 0, 209);
  const Work work(device);
  EXPECT_THAT(fake.log(), HasSubstr("load cubin\nload ptx\n"));
  work.start()->wait();
}

TEST_F(FakeDevice, CodeThatTheDriverRefusesComesWithLogAndNumberedSource) {
  CudaDevice device(options);
  fake.fail("load cubin", 0, 209);
  fake.fail("load ptx", 0, 218);
  try {
    device.load(module_of(cuda_kernels::loops_and_conditions()));
    FAIL() << "loaded";
  } catch (const CompileError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the driver refuses the code of loops_and_conditions"));
    EXPECT_EQ(error.log, "ptxas: as planned by the test");
    EXPECT_THAT(error.source, testing::StartsWith("   1  "));
    EXPECT_THAT(error.source, testing::ContainsRegex("\n +[0-9]+  extern \"C\""));
  }
}

// The fake itself: that it finds what it is there to find.
TEST(FakeDriver, FindsMemoryThatIsFreedWhileWorkWaits) {
  FakeControls& fake = controls();
  fake.reset();
  {
    const Host host;
    unsigned long long memory = 0;
    fake_function<int(unsigned long long*, size_t)>("cuMemAlloc_v2")(&memory, 256);
    fake_function<int(unsigned long long, unsigned char, size_t, void*)>("cuMemsetD8Async")(memory, 0, 1, host.stream);
    fake_function<int(void*)>("cuStreamSynchronize")(host.stream);
    std::array<char, 256> bytes{};
    const auto write = fake_function<int(unsigned long long, const void*, size_t, void*)>("cuMemcpyHtoDAsync_v2");
    write(memory, bytes.data(), 256, host.stream);
    bytes[3] = 1;
    fake_function<int(void*)>("cuStreamSynchronize")(host.stream);
    EXPECT_STREQ(fake.faults(), "host memory changed while its copy to the GPU waited\n");
    write(memory, bytes.data(), 256, host.stream);
    EXPECT_EQ(fake.leaks(), 4);  // context, stream, memory, and the context is pushed
    fake_function<int(unsigned long long)>("cuMemFree_v2")(memory);
    EXPECT_THAT(fake.faults(), HasSubstr("memory0 is freed while 'write memory0' waits"));
    fake.reset();
  }
}

}  // namespace
}  // namespace shoal::cuda
