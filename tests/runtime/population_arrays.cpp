// Populations: initial parameters by member alone, arrays in and out, and moving between the layouts of two programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/support/error.h"
#include "runtime/population.h"
#include "runtime/reference/reference_device.h"

namespace shoal::runtime {
namespace {

Argument parameter_argument(const Parameter& parameter, int64_t block) {
  Argument a;
  a.name = parameter.name;
  a.role = Role::parameter;
  a.varies = {.member = true, .sample = false};
  a.shape = parameter.shape;
  a.block = block;
  return a;
}

const Parameter weight{"0.weight", {3, 5}, R"({"kaiming_uniform":{}})", 5, 3, no_node};

std::vector<float> initial(int64_t members, int64_t first, int64_t block, uint64_t seed) {
  ReferenceDevice device({});
  Population population(device, members, first);
  population.array(parameter_argument(weight, block), 8);
  population.initialize({weight}, seed);
  return population.array("0.weight").read<float>();
}

TEST(Population, InitialParametersDependOnTheMemberAlone) {
  const std::vector<float> many = initial(37, 0, 8, 5);
  for (const int64_t member : {0, 7, 8, 36}) {
    const std::vector<float> alone = initial(1, member, 1, 5);
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), many.begin() + member * 15)) << "member " << member;
  }
  EXPECT_NE(initial(1, 0, 1, 5), initial(1, 0, 1, 6));
}

TEST(Population, InitialParametersHaveTheInitializersSpread) {
  const std::vector<float> values = initial(2000, 0, 8, 1);
  // Kaiming's default is uniform within 1 / sqrt(fan_in); its variance is bound^2 / 3. 30000 draws: the mean is within
  // 5 standard errors, the variance within 3 %.
  const double bound = 1 / std::sqrt(5.0);
  double mean = 0, square = 0;
  for (const float v : values) {
    ASSERT_LE(std::abs(v), bound * (1 + 1e-6));  // rounding to f32
    mean += v;
    square += static_cast<double>(v) * v;
  }
  const auto n = static_cast<double>(values.size());
  EXPECT_NEAR(mean / n, 0, 5 * bound / std::sqrt(3 * n));
  EXPECT_NEAR(square / n, bound * bound / 3, 0.03 * bound * bound / 3);
}

TEST(Population, MovesArraysBetweenLayouts) {
  ReferenceDevice device({});
  Population population(device, 11);
  std::vector<float> dense(11 * 15);
  for (size_t i = 0; i < dense.size(); ++i) dense[i] = static_cast<float>(i);
  population.array(parameter_argument(weight, 8), 8).write<float>(dense);
  PopulationArray& moved = population.array(parameter_argument(weight, 1), 1);
  EXPECT_EQ(moved.layout().block, 1);
  EXPECT_EQ(moved.read<float>(), dense);
  EXPECT_EQ(population.array(parameter_argument(weight, 4), 12).read<float>(), dense);
}

TEST(Population, SaysWhatIsWrongWithGivenParameters) {
  ReferenceDevice device({});
  Population population(device, 2);
  population.array(parameter_argument(weight, 1), 1);
  const std::vector<float> values(30, 0.5f);
  const auto message = [&](const std::vector<io::NamedTensor>& tensors) -> std::string {
    try {
      population.set_parameters({weight}, tensors, "w.npz");
    } catch (const SpecError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message({{"0.weight", io::make_tensor({2, 3, 5}, values)}}), "");
  EXPECT_EQ(message({{"0.weight", io::make_tensor({2, 5, 3}, values)}}),
            "w.npz: array \"0.weight\": expected shape [2, 3, 5] [members, ...], got [2, 5, 3]");
  EXPECT_EQ(message({{"0.wait", io::make_tensor({2, 3, 5}, values)}}),
            "w.npz: array \"0.wait\" is no parameter of the network");
  EXPECT_THAT(message({}), testing::HasSubstr("0.weight"));
}

TEST(Population, RefusesSizesThatCannotBe) {
  ReferenceDevice device({});
  EXPECT_THROW(Population(device, 0), SpecError);
  EXPECT_THROW(Population(device, 2, (int64_t{1} << 32) - 1), SpecError);
}

}  // namespace
}  // namespace shoal::runtime
