// The pairs as a table; their names say what they are: network, batch, members.
#include "tools/bench/pairs.h"

#include <fmt/format.h>

#include <string>

namespace shoal::bench {
namespace {

struct Pair {
  const char* name;
  const char* input;   // shape
  const char* layers;  // "32r" is dense of 32 and relu, "t" tanh, "s" sigmoid; others are JSON
  bool train;
  int batch;
  int members;
  const char* optimizer = "sgd";
  int samples = 512;
};

constexpr const char* conv =
    R"({"conv2d": {"out_channels": 8, "kernel": 3}}, "relu", {"max_pool2d": {"kernel": 2}}, "flatten", {"dense": {"units": 10}})";
constexpr const char* strided =
    R"({"conv2d": {"out_channels": 4, "kernel": 3, "stride": 2, "padding": 1}}, "relu", "flatten", {"dense": {"units": 4}})";
constexpr const char* gru = R"({"gru": {"units": 16}}, {"dense": {"units": 4}})";
constexpr const char* norm = R"({"dense": {"units": 32}}, "layer_norm", "relu", {"dense": {"units": 8}})";

constexpr Pair table[] = {
    // One layer.
    {"linear", "4", "1", true, 8, 100000},
    {"linear", "256", "10", true, 32, 64},
    {"linear", "64", "64", false, 128, 16},
    {"linear", "8", "1", false, 1, 100000},
    // Two layers.
    {"tiny", "2", "8t 1", true, 4, 16384},
    {"tiny", "2", "8t 1", true, 4, 100},
    {"tiny", "2", "8t 1", true, 4, 1},
    {"small", "8", "16r 4", true, 16, 4096},
    {"small", "8", "16r 4", true, 1, 1024},
    {"small", "8", "16r 4", true, 512, 8},
    {"digits", "64", "64r 10", true, 32, 256},
    {"digits", "64", "64r 10", true, 32, 4},
    {"digits", "64", "64r 10", true, 128, 32},
    {"digits", "64", "64r 10", false, 1, 1000},
    {"digits", "64", "64r 10", false, 256, 1},
    {"wide2", "128", "128r 10", true, 32, 1, "adam"},
    {"wide2", "128", "128r 10", true, 64, 100},
    // Three layers.
    {"mlp", "8", "32r 32r 4", true, 32, 1024, "adam"},
    {"mlp", "8", "32r 32r 4", true, 32, 10, "adam"},
    {"mlp", "8", "32r 32r 4", true, 32, 1, "adam"},
    {"mlp", "8", "32r 32r 4", true, 128, 64, "adam"},
    {"mlp", "8", "32r 32r 4", true, 8, 256, "adam"},
    {"agents", "16", "32t 32t 4", false, 1, 16384},
    {"agents", "16", "32t 32t 4", false, 1, 200},
    {"agents", "16", "32t 32t 4", false, 4, 4096},
    {"agents", "16", "32t 32t 4", false, 64, 64},
    {"agents", "16", "32t 32t 4", false, 512, 1},
    {"odd", "7", "13s 5s 3", true, 10, 500},
    {"odd", "7", "13s 5s 3", true, 50, 3},
    {"wide3", "256", "256r 256r 10", true, 128, 1},
    {"wide3", "256", "256r 256r 10", true, 16, 8},
    {"wide3", "256", "256r 256r 10", false, 1, 16},
    {"wide3", "256", "256r 256r 10", false, 64, 2},
    // Deeper.
    {"deep", "16", "16r 16r 16r 16r 16r 16", true, 16, 4096, "adam"},
    {"deep", "16", "16r 16r 16r 16r 16r 16", true, 16, 2, "adam"},
    {"deep", "16", "16r 16r 16r 16r 16r 16", false, 8, 1000},
    {"deep64", "32", "64t 64t 64t 64t 8", true, 32, 16, "adam"},
    {"deep64", "32", "64t 64t 64t 64t 8", true, 64, 200},
    // Others than dense layers.
    {"norm", "16", norm, true, 32, 512, "adam"},
    {"norm", "16", norm, true, 32, 4, "adam"},
    {"conv", "[1, 8, 8]", conv, true, 32, 256},
    {"conv", "[1, 8, 8]", conv, true, 8, 4},
    {"conv", "[1, 8, 8]", conv, false, 16, 100},
    {"strided", "[2, 8, 8]", strided, true, 16, 128},
    {"gru", "[12, 4]", gru, true, 16, 256},
    {"gru", "[12, 4]", gru, true, 16, 3},
    {"gru", "[12, 4]", gru, false, 4, 1000},
};

std::string dense_layers(std::string_view text) {
  std::string layers;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    std::string_view word = text.substr(at, end - at);
    const char last = word.back();
    const char* after = last == 'r' ? ", \"relu\"" : last == 't' ? ", \"tanh\"" : last == 's' ? ", \"sigmoid\"" : "";
    if (*after) word.remove_suffix(1);
    layers += fmt::format(R"({}{{"dense": {{"units": {}}}}}{})", layers.empty() ? "" : ", ", word, after);
    at = end + 1;
  }
  return layers;
}

Work work_of(const Pair& p) {
  Work work;
  const bool json = std::string_view(p.layers).find('{') != std::string_view::npos;
  work.name = fmt::format("{} {} B={} P={}", p.train ? "train" : "forward", p.name, p.batch, p.members);
  work.spec = fmt::format(
      R"({{"shoal": 1, "name": "{}", "network": {{"input": {}, "layers": [{}]}}, "loss": "mse", "optimizer": "{}", )"
      R"("training": {{"batch": {}, "steps": 1}}, "population": {{"members": {}, "seed": 1}}}})",
      p.name, p.input, json ? p.layers : dense_layers(p.layers), p.optimizer, p.batch, p.members);
  work.train = p.train;
  work.samples = p.samples;
  work.batch = p.batch;
  return work;
}

}  // namespace

const std::vector<Work>& regret_pairs() {
  static const std::vector<Work> pairs = [] {
    std::vector<Work> all;
    for (const Pair& p : table) all.push_back(work_of(p));
    return all;
  }();
  return pairs;
}

}  // namespace shoal::bench
