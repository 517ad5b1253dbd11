// shoal inside a program that has a CUDA context, a stream and GPU memory of its own: 500 agents, each with its own
// small network, decide in every frame, and their networks learn in between, all in the order of the program's one
// stream.
//
//   cmake -S examples -B build-examples -DCMAKE_PREFIX_PATH=/opt/shoal -DSHOAL_EXAMPLES_CUDA=ON
//   cmake --build build-examples && build-examples/embed_cuda
#include <cmath>
#include <cstdio>
#include <shoal/shoal.hpp>
#include <vector>

#include "cuda_driver.h"

namespace {

void succeed(CUresult result, const char* what) {
  if (result != 0) throw std::runtime_error(std::string(what) + " failed: CUDA error " + std::to_string(result));
}

// An agent as the program keeps it in GPU memory: what it sees stands among other things.
struct Agent {
  float position[2], velocity[2], health, ammunition;
};

// GPU memory of the program's own.
class Memory {
 public:
  explicit Memory(size_t bytes) { succeed(cuMemAlloc_v2(&address_, bytes), "cuMemAlloc"); }
  ~Memory() { cuMemFree_v2(address_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  CUdeviceptr address() const { return address_; }

 private:
  CUdeviceptr address_ = 0;
};

void run(CUcontext context, CUstream stream) {
  using namespace shoal::api;
  constexpr int64_t agents = 500, frames = 3, samples = 64;

  // The program's memory: agents, what they decide, and remembered situations with what would have been right.
  const Memory agent_memory(agents * sizeof(Agent)), decision_memory(agents * 2 * sizeof(float));
  const Memory seen_memory(samples * 4 * sizeof(float)), right_memory(samples * 2 * sizeof(float));
  std::vector<Agent> all(agents);
  for (size_t a = 0; a < agents; ++a) all[a] = {{0.001f * static_cast<float>(a), 0.5f}, {1, -1}, 100, 7};
  std::vector<float> seen, right;
  for (size_t s = 0; s < samples; ++s) {
    const float angle = 0.1f * static_cast<float>(s);
    seen.insert(seen.end(), {std::cos(angle), std::sin(angle), 1, -1});
    right.insert(right.end(), {-std::cos(angle), -std::sin(angle)});  // towards the middle
  }
  succeed(cuMemcpyHtoDAsync_v2(seen_memory.address(), seen.data(), seen.size() * sizeof(float), stream), "copy");
  succeed(cuMemcpyHtoDAsync_v2(right_memory.address(), right.data(), right.size() * sizeof(float), stream), "copy");

  // One network for each agent, in the program's context and on its stream.
  Network mind({4});
  mind.dense(16).layer("tanh").dense(2).loss("mse").optimizer("adam", {{"lr", 0.01}});
  Options options;
  options.members = agents;
  options.batch = 16;
  options.device = "cuda";
  options.cuda.context = reinterpret_cast<std::uintptr_t>(context);
  options.cuda.stream = reinterpret_cast<std::uintptr_t>(stream);
  Population minds = make_population(mind, options);

  // Position and velocity are the first four numbers of each agent: a view with a stride, nothing is copied to the
  // host.
  const View sight{agent_memory.address(), {agents, 1, 4}, {sizeof(Agent) / sizeof(float), 0, 1}};
  const View decisions{decision_memory.address(), {agents, 1, 2}, {}};
  Inference decide(minds, sight, decisions);
  Trainer learn(minds, {seen_memory.address(), {samples, 4}, {}}, {right_memory.address(), {samples, 2}, {}});

  std::vector<float> decided(agents * 2);
  for (int64_t frame = 0; frame < frames; ++frame) {
    // Everything below is only started. The stream does it in this order.
    succeed(cuMemcpyHtoDAsync_v2(agent_memory.address(), all.data(), agents * sizeof(Agent), stream), "copy");
    const Ticket thought = decide.start();
    succeed(cuMemcpyDtoHAsync_v2(decided.data(), decision_memory.address(), decided.size() * sizeof(float), stream),
            "copy");
    const Ticket learned = learn.start(20);
    thought.wait();  // says what went wrong, if anything did; the copy of the decisions comes behind it
    succeed(cuStreamSynchronize(stream), "the frame");
    learned.wait();
    for (size_t a = 0; a < agents; ++a) {
      all[a].position[0] += 0.1f * decided[2 * a];
      all[a].position[1] += 0.1f * decided[2 * a + 1];
    }
    const std::vector<float> loss = learn.scores().values[0];
    double mean = 0;
    for (const float one : loss) mean += static_cast<double>(one) / static_cast<double>(loss.size());
    std::printf("frame %d: agent 0 decides (%.3f, %.3f), mean loss %.4f\n", static_cast<int>(frame),
                static_cast<double>(decided[0]), static_cast<double>(decided[1]), mean);
  }
}

}  // namespace

int main() {
  CUdevice device = 0;
  CUcontext context = nullptr;
  CUstream stream = nullptr;
  try {
    succeed(cuInit(0), "cuInit");
    succeed(cuDeviceGet(&device, 0), "cuDeviceGet");
    succeed(cuDevicePrimaryCtxRetain(&context, device), "cuDevicePrimaryCtxRetain");
    succeed(cuCtxPushCurrent_v2(context), "cuCtxPushCurrent");
    succeed(cuStreamCreate(&stream, 1), "cuStreamCreate");
    run(context, stream);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  cuStreamDestroy_v2(stream);
  cuCtxPopCurrent_v2(&context);
  cuDevicePrimaryCtxRelease_v2(device);
  return 0;
}
