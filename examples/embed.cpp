// A population in a C++ program: 256 networks learn y = sin(3x), each at its own learning rate.
//
//   cmake --install build --prefix /opt/shoal
//   cmake -S examples -B build-examples -DCMAKE_PREFIX_PATH=/opt/shoal && cmake --build build-examples
#include <cmath>
#include <cstdio>
#include <shoal/shoal.hpp>

int main() {
  using namespace shoal::api;
  try {
    Array x{{256, 1}, {}}, y{{256, 1}, {}};
    for (int i = 0; i < 256; ++i) {
      x.values.push_back(static_cast<float>(i) / 128 - 1);
      y.values.push_back(std::sin(3 * x.values.back()));
    }
    Network net({1});
    net.dense(16).layer("tanh").dense(1).loss("mse").optimizer("adam", {{"lr", 0.01}});
    net.vary("optimizer.lr", Vary::log_uniform, {1e-3, 1e-1});
    Population population = train(net, x, y, {.members = 256, .epochs = 50});

    const std::vector<float> rates = population.varied("optimizer.lr");
    const std::vector<float> loss = population.evaluate(x, y).values[0];
    size_t best = 0;
    for (size_t m = 1; m < loss.size(); ++m)
      if (loss[m] < loss[best]) best = m;
    const Array mean = population.predict({{3, 1}, {-0.5f, 0, 0.5f}});
    std::printf("best of %zu members: loss %.5f at learning rate %.4f\n", loss.size(), static_cast<double>(loss[best]),
                static_cast<double>(rates[best]));
    std::printf("all together: f(-0.5) = %.3f, f(0) = %.3f, f(0.5) = %.3f\n", static_cast<double>(mean.values[0]),
                static_cast<double>(mean.values[1]), static_cast<double>(mean.values[2]));
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
