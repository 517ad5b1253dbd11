// A population on the threads of a host program: shoal hands its work to the host's parallel_for, and has none of its
// own.
#include <cstdio>
#include <shoal/shoal.hpp>
#include <thread>
#include <vector>

// The host's job system. This one starts a thread for each item; a game has its own.
static void parallel_for(void*, int64_t n, void (*run)(void*, int64_t), void* data) {
  std::vector<std::thread> threads;
  for (int64_t item = 1; item < n; ++item) threads.emplace_back(run, data, item);
  run(data, 0);
  for (std::thread& thread : threads) thread.join();
}

int main() {
  using namespace shoal::api;
  try {
    const Array x{{4, 2}, {0, 0, 0, 1, 1, 0, 1, 1}}, y{{4, 1}, {0, 1, 1, 0}};
    Network net({2});
    net.dense(8).layer("tanh").dense(1).loss("mse").optimizer("adam", {{"lr", 0.02}});
    Options options;
    options.members = 64, options.batch = 4, options.steps = 2000, options.device = "cpu";
    options.jobs = {nullptr, parallel_for, 2};

    CompileTicket compiling = train_async(net, x, y, options);  // on a thread of its own; the host goes on
    std::printf("compiled: %s\n", compiling.ready() ? "yes" : "not yet");
    Population population = compiling.get();  // trains on the host's threads
    const Array outputs = population.predict(x);
    for (size_t i = 0; i < 4; ++i)
      std::printf("%.0f xor %.0f = %.2f\n", static_cast<double>(x.values[2 * i]),
                  static_cast<double>(x.values[2 * i + 1]), static_cast<double>(outputs.values[i]));
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
