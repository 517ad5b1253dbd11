// Parameters stored as f16 or bf16: rounded on their way to the device, while what trains them keeps its f32.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "compiler/support/half.h"
#include "runtime/devices.h"
#include "runtime/prediction.h"
#include "runtime/training_evaluator.h"
#include "tests/runtime/small_models.h"

namespace shoal::runtime {
namespace {

constexpr int64_t members = 20, samples = 11;

Model stored_as(DType storage) {
  Model model = test::classifier();
  model.network.storage = storage;
  return model;
}

std::vector<io::NamedTensor> rounded(const std::vector<io::NamedTensor>& weights, DType storage) {
  std::vector<io::NamedTensor> result;
  for (const io::NamedTensor& weight : weights) {
    std::vector<float> values = io::to_float(weight.tensor, weight.name);
    for (float& v : values) v = storage == DType::f16 ? from_f16(to_f16(v)) : from_bf16(to_bf16(v));
    result.push_back({weight.name, io::make_tensor(weight.tensor.shape, values)});
  }
  return result;
}

std::vector<float> outputs(Population& population, const Model& model, const Dataset& data) {
  Predictor predictor(population, model, samples, "member=group,lane tile=4x2");
  return io::to_float(predict(predictor, model, members, data, Ensemble::none), "y");
}

class StorageTest : public testing::TestWithParam<DType> {
 protected:
  StorageTest() : device(open_device({"", 0, nullptr})), data(test::lattice(test::classifier(), samples)) {}
  std::unique_ptr<Device> device;
  Dataset data;
};

// Bitwise what f32 storage computes from parameters that were rounded by hand.
TEST_P(StorageTest, IsRoundingTheParameters) {
  Population stored(*device, members), full(*device, members);
  const Model model = stored_as(GetParam());
  const std::vector<Parameter> parameters = forward(model, 1, true).parameters;
  Predictor first(stored, model, samples);
  stored.initialize(parameters, 3);
  Predictor second(full, test::classifier(), samples);
  full.initialize(parameters, 3);
  const auto exact = full.parameters(parameters), kept = stored.parameters(parameters);
  for (size_t i = 0; i < exact.size(); ++i) EXPECT_EQ(kept[i].tensor.bytes, rounded(exact, GetParam())[i].tensor.bytes);
  full.set_parameters(parameters, rounded(exact, GetParam()), "rounded");
  EXPECT_EQ(outputs(stored, model, data), outputs(full, test::classifier(), data));
  stored.set_parameters(parameters, exact, "exact");
  EXPECT_EQ(outputs(stored, model, data), outputs(full, test::classifier(), data));
}

// A population that holds f32 predicts from rounded copies, made anew for each program, and keeps its own.
TEST_P(StorageTest, LeavesAPopulationsOwnParametersAlone) {
  Population population(*device, members);
  const Model full = test::classifier(), stored = stored_as(GetParam());
  Evaluator evaluator(population, full, data);
  const std::vector<Parameter>& parameters = evaluator.program().program().parameters;
  population.initialize(parameters, 5);
  const auto before = population.parameters(parameters);
  const std::vector<float> exact = outputs(population, full, data), coarse = outputs(population, stored, data);
  EXPECT_NE(exact, coarse);
  // As training does: through the array itself.
  PopulationArray& bias = population.array("2.bias");
  std::vector<float> moved = bias.read<float>();
  for (float& v : moved) v += 1;
  bias.write<float>(moved);
  const std::vector<float> later = outputs(population, stored, data);
  for (size_t i = 0; i < later.size(); ++i) EXPECT_NEAR(later[i], coarse[i] + 1, 0.02);
  for (float& v : moved) v -= 1;
  bias.write<float>(moved);
  EXPECT_EQ(outputs(population, full, data).size(), exact.size());
  const auto after = population.parameters(parameters);
  for (size_t i = 0; i + 1 < before.size(); ++i) EXPECT_EQ(before[i].tensor.bytes, after[i].tensor.bytes);
}

// Half the memory, in blocks of any size, with every element in its place.
TEST_P(StorageTest, ArraysTakeHalfTheMemory) {
  ArgumentLayout layout{.dtype = GetParam(), .per_member = true, .members = 11, .padded = 16, .samples = 1, .units = 3};
  layout.block = 8;
  PopulationArray array(*device, "w", layout);
  EXPECT_EQ(array.buffer()->bytes(), 16 * 3 * 2);
  std::vector<float> values;
  for (int i = 0; i < 33; ++i) values.push_back(static_cast<float>(i) * 0.5f);
  array.write<float>(values);
  EXPECT_EQ(array.read<float>(), values);
  std::vector<uint16_t> raw(16 * 3);
  array.buffer()->read(raw.data(), 16 * 3 * 2);
  const auto bits = GetParam() == DType::f16 ? to_f16(values[9 * 3 + 2]) : to_bf16(values[9 * 3 + 2]);
  EXPECT_EQ(raw[8 * 3 + 2 * 8 + 1], bits);
  array.write_zeros();
  EXPECT_EQ(array.read<float>(), std::vector<float>(33));
}

// The figures of docs/spec.md: the benchmark's network 16-32-32-4 with tanh, with initial parameters.
TEST_P(StorageTest, CostsTheAccuracyThatTheDocumentationNames) {
  Model model = test::classifier();
  const auto layer = [](int64_t units) { return test::make_op<Layer>(OpKind::layer, "dense", {{"units", units}}); };
  const auto tanh = test::make_op<Layer>(OpKind::activation, "tanh");
  model.network.input = {16};
  model.network.layers = {
      {"", layer(32), {}, ""}, {"", tanh, {}, ""}, {"", layer(32), {}, ""}, {"", tanh, {}, ""}, {"", layer(4), {}, ""}};
  constexpr int64_t many = 256;
  Dataset points;
  points.samples = samples;
  points.input = {16};
  for (int64_t i = 0; i < samples * 16; ++i) points.x.push_back(static_cast<float>(i * 37 % 201) / 100 - 1);
  const auto run = [&](DType storage) {
    model.network.storage = storage;
    Population population(*device, many);
    Predictor predictor(population, model, samples);
    population.initialize(predictor.program().program().parameters, 1);
    return io::to_float(predict(predictor, model, many, points, Ensemble::none), "y");
  };
  const std::vector<float> exact = run(DType::f32), coarse = run(GetParam());
  double worst = 0, squares = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    const double error = static_cast<double>(coarse[i]) - static_cast<double>(exact[i]);
    worst = std::max(worst, std::abs(error));
    squares += error * error;
  }
  const double rms = std::sqrt(squares / static_cast<double>(exact.size()));
  RecordProperty("worst", std::to_string(worst));
  RecordProperty("rms", std::to_string(rms));
  const double unit = GetParam() == DType::f16 ? 1 : 8;  // bf16 has three bits less
  EXPECT_LT(worst, 3e-4 * unit);
  EXPECT_LT(rms, 6e-5 * unit);
  EXPECT_GT(rms, 2e-5 * unit);
}

INSTANTIATE_TEST_SUITE_P(Types, StorageTest, testing::Values(DType::f16, DType::bf16),
                         [](const auto& p) { return std::string(dtype_name(p.param)); });

}  // namespace
}  // namespace shoal::runtime
