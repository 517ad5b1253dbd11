// The named works: what users of small networks do, at the sizes at which they do it.
#include "tools/bench/works.h"

#include <fmt/format.h>

namespace shoal::bench {
namespace {

std::string spec(const char* name, const char* input, const std::string& layers, const char* loss,
                 const char* optimizer, int batch, int members, const char* storage = "f32") {
  return fmt::format(
      R"({{"shoal": 1, "name": "{}", "network": {{"input": {}, "storage": "{}", "layers": [{}]}}, "loss": "{}", )"
      R"("optimizer": {}, "training": {{"batch": {}, "steps": 1}}, "population": {{"members": {}, "seed": 1}}}})",
      name, input, storage, layers, loss, optimizer, batch, members);
}

std::string dense(int units) { return fmt::format(R"({{"dense": {{"units": {}}}}})", units); }

std::string mlp(const std::vector<int>& units, const char* activation) {
  std::string layers;
  for (size_t i = 0; i < units.size(); ++i)
    layers += (i ? fmt::format(R"(, "{}", )", activation) : std::string()) + dense(units[i]);
  return layers;
}

}  // namespace

const std::vector<Work>& all_works() {
  static const std::vector<Work> works = {
      {"train_mlp", spec("train_mlp", "8", mlp({32, 32, 4}, "relu"), "mse", R"("adam")", 32, 1024), true, 1024},
      {"train_digits", spec("train_digits", "64", mlp({64, 10}, "relu"), "cross_entropy", R"("sgd")", 32, 256), true,
       1437},
      {"train_xor", spec("train_xor", "2", mlp({8, 1}, "tanh"), "mse", R"("sgd")", 4, 16384), true, 4},
      {"infer_agents", spec("infer_agents", "16", mlp({32, 32, 4}, "tanh"), "mse", R"("sgd")", 1, 16384), false, 1},
      {"infer_agents_f16", spec("infer_agents_f16", "16", mlp({32, 32, 4}, "tanh"), "mse", R"("sgd")", 1, 16384, "f16"),
       false, 1},
      {"train_wide", spec("train_wide", "256", mlp({256, 256, 10}, "relu"), "cross_entropy", R"("sgd")", 128, 4), true,
       1024},
      {"train_deep",
       spec("train_deep", "16", mlp({16, 16, 16, 16, 16, 16, 16, 16}, "relu"), "mse", R"("adam")", 16, 4096), true,
       1024},
      {"train_conv",
       spec("train_conv", "[1, 8, 8]",
            R"({"conv2d": {"out_channels": 8, "kernel": 3}}, "relu", {"max_pool2d": {"kernel": 2}}, "flatten", )" +
                dense(10),
            "cross_entropy", R"("sgd")", 32, 256),
       true, 1024},
      {"train_gru", spec("train_gru", "[16, 8]", R"({"gru": {"units": 16}}, )" + dense(4), "mse", R"("adam")", 16, 512),
       true, 1024},
  };
  return works;
}

}  // namespace shoal::bench
