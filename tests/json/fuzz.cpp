// Damaged specs give a SpecError or a spec, never another exception and never a crash.
#include <random>

#include "compiler/support/error.h"
#include "tests/json/cases.h"

namespace shoal {

namespace {

const char* const rich_spec = R"json({"shoal": 1, "name": "n\u00e9", "define": {"swish(x, b)": "x * sigmoid(b * x)"},
"network": {"input": [1, 6, 6], "layers": [{"conv2d": {"out_channels": 2, "kernel": 3, "padding": [1, 1]}, "name": "c"},
{"swish": {"b": 1.5}}, {"add": ["c", "1"]}, "flatten", {"layer_norm": {"eps": 1e-4}},
{"dense": {"units": 3, "bias_initializer": "zeros", "weight_initializer": {"uniform": {"low": -1, "high": 1}}}}]},
"loss": "cross_entropy", "metrics": ["accuracy"], "optimizer": {"sgd": {"lr": 0.1}},
"training": {"batch": 8, "steps": 100},
"population": {"members": 4, "seed": 3, "vary": {"optimizer.lr": {"list": [0.1, 0.2, 0.3, 1e-1]}}},
"data": {"file": "d.csv", "x": ["2:5", 7], "y": -1, "validation": {"file": "v.csv"}, "scale": 16}})json";

// Whether the text was read; anything but a SpecError fails the test.
bool reads(const std::string& text) {
  try {
    read_spec(text);
    return true;
  } catch (const SpecError& error) {
    EXPECT_FALSE(std::string(error.what()).empty());
    return false;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "not a SpecError: " << error.what() << "\nfor " << text;
    return false;
  }
}

}  // namespace

TEST(Fuzz, EveryTruncationIsRefused) {
  const std::string text = rich_spec;
  ASSERT_TRUE(reads(text));
  for (size_t length = 0; length < text.size(); ++length) EXPECT_FALSE(reads(text.substr(0, length))) << length;
}

TEST(Fuzz, FlippedBytesAndDoubledPiecesNeverEscape) {
  const uint32_t seed = 20240611;
  std::mt19937 random(seed);
  size_t refused = 0;
  for (int round = 0; round < 4000; ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", round " + std::to_string(round));
    std::string text = rich_spec;
    const size_t at = random() % text.size();
    switch (round % 3) {
      case 0: text[at] = static_cast<char>(random() % 256); break;
      case 1: text[at] = "0123456789-eE.,:[]{}\"\\ntf"[random() % 25]; break;
      case 2: text.insert(at, text.substr(random() % text.size(), random() % 40)); break;
    }
    refused += reads(text) ? 0 : 1;
  }
  EXPECT_GT(refused, 1000u);  // most damage breaks the syntax or a name
}

TEST(Fuzz, DamagedOverridesNeverEscape) {
  const std::string base = rich_spec;
  const std::string change = "/population/vary/optimizer.lr={\"list\": [1, 2, 3, 4]}";
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    std::string damaged = change;
    damaged[random() % damaged.size()] = "./=~0{}[]\"a "[random() % 12];
    try {
      read_spec(base, "spec", {damaged});
    } catch (const SpecError&) {
    } catch (const std::exception& error) {
      ADD_FAILURE() << damaged << ": " << error.what();
    }
  }
}

}  // namespace shoal
