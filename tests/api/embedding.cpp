// Inference and training on the caller's memory, on every device that can be opened here (CUDA: the fake driver).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <shoal/shoal.hpp>

namespace shoal::api {
namespace {

using testing::HasSubstr;

Network network() {
  Network net({3});
  net.dense(5).layer("tanh").dense(2).loss("mse").optimizer("adam", {{"lr", 0.01}});
  return net;
}

std::vector<float> numbers(size_t count, float start) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = std::sin(start + 0.7f * static_cast<float>(i));
  return values;
}

// The network in double, from one member's parameters.
std::vector<double> output_of(const Population& population, size_t member, const float* x) {
  const Array w0 = population.parameter("0.weight"), b0 = population.parameter("0.bias");
  const Array w2 = population.parameter("2.weight"), b2 = population.parameter("2.bias");
  std::vector<double> hidden, out;
  for (size_t i = 0; i < 5; ++i) {
    double sum = b0.values[member * 5 + i];
    for (size_t k = 0; k < 3; ++k) sum += static_cast<double>(w0.values[(member * 5 + i) * 3 + k]) * x[k];
    hidden.push_back(std::tanh(sum));
  }
  for (size_t i = 0; i < 2; ++i) {
    double sum = b2.values[member * 2 + i];
    for (size_t k = 0; k < 5; ++k) sum += static_cast<double>(w2.values[(member * 2 + i) * 5 + k]) * hidden[k];
    out.push_back(sum);
  }
  return out;
}

// On host memory: views of the devices that share it.
class Embedding : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    try {
      make_population(network(), options(1));
    } catch (const Error& error) {
      if (error.kind != Error::Kind::device) throw;
      GTEST_SKIP() << error.what();  // built without the CPU target
    }
  }
  Options options(int64_t members) const {
    Options o;
    o.members = members;
    o.seed = 3;
    o.batch = 4;
    o.device = GetParam();
    return o;
  }
};

std::uintptr_t address(std::vector<float>& values, size_t first = 0) {
  return reinterpret_cast<std::uintptr_t>(values.data() + first);
}

TEST_P(Embedding, InferenceReadsAndWritesWithStrides) {
  constexpr size_t members = 13;
  Population population = make_population(network(), options(members));
  std::vector<float> world = numbers(members * 7 + 5, 0), decisions(members * 3, 99);
  // x: numbers 1 to 3 of records of 7; y: the first two of records of 3, backwards in units.
  Inference inference(population, {address(world, 1), {members, 1, 3}, {7, 0, 1}},
                      {address(decisions), {members, 1, 2}, {3, 0, 1}});
  inference.start().wait();
  for (size_t m = 0; m < members; ++m) {
    const std::vector<double> expected = output_of(population, m, world.data() + 1 + m * 7);
    EXPECT_NEAR(decisions[m * 3], expected[0], 1e-5) << m;
    EXPECT_NEAR(decisions[m * 3 + 1], expected[1], 1e-5) << m;
    EXPECT_EQ(decisions[m * 3 + 2], 99) << "untouched";
  }
}

TEST_P(Embedding, AllMembersMaySeeTheSame) {
  constexpr size_t members = 5, batch = 3;
  Population population = make_population(network(), options(members));
  std::vector<float> x = numbers(batch * 3, 1), y(members * batch * 2);
  Inference inference(population, {address(x), {members, batch, 3}, {0, 3, 1}}, {address(y), {members, batch, 2}, {}});
  const Ticket ticket = inference.start();
  ticket.wait();
  EXPECT_TRUE(ticket.ready());
  EXPECT_GE(ticket.seconds(), 0);
  for (size_t m = 0; m < members; ++m)
    for (size_t s = 0; s < batch; ++s)
      EXPECT_NEAR(y[(m * batch + s) * 2 + 1], output_of(population, m, x.data() + s * 3)[1], 1e-5);
}

Network recurrent(int64_t steps) {
  Network net({steps, 3});
  net.layer("gru", {{"units", 5}, {"stateful", true}}).dense(2).loss("mse").optimizer("sgd", {{"lr", 0.01}});
  return net;
}

// Frame by frame is the same as all frames at once, to the last bit under one schedule; and members start anew alone.
TEST_P(Embedding, StatefulLayersGoOnWhereTheyStopped) {
  constexpr size_t members = 11, batch = 2, frames = 6;
  Options o = options(members);
  o.schedule = "member=group,lane";
  Population whole = make_population(recurrent(frames), o), population = make_population(recurrent(1), o);
  for (const std::string& name : whole.parameter_names()) population.set_parameter(name, whole.parameter(name));
  std::vector<float> x = numbers(members * batch * frames * 3, 4), y(members * batch * 2), all = y;
  Inference at_once(whole, {address(x), {members, batch, frames, 3}, {}}, {address(all), {members, batch, 2}, {}});
  at_once.start().wait();

  std::vector<float> frame(members * batch * 3);
  Inference inference(population, {address(frame), {members, batch, 1, 3}, {}}, {address(y), {members, batch, 2}, {}});
  const auto show = [&](size_t t) {
    for (size_t i = 0; i < members * batch; ++i)
      for (size_t k = 0; k < 3; ++k) frame[i * 3 + k] = x[(i * frames + t) * 3 + k];
    inference.start().wait();
    return y;
  };
  const std::vector<float> first = show(0);
  for (size_t t = 1; t < frames; ++t) show(t);
  EXPECT_EQ(y, all);

  inference.reset({3, 10});
  const std::vector<float> later = show(0);
  for (size_t m = 0; m < members; ++m)
    for (size_t i = m * batch * 2; i < (m + 1) * batch * 2; ++i) {
      if (m == 3 || m == 10) {
        EXPECT_EQ(later[i], first[i]) << m;
      } else {
        EXPECT_NE(later[i], first[i]) << m;
      }
    }
  inference.reset();
  EXPECT_EQ(show(0), first);
  EXPECT_THROW(inference.reset({11}), Error);  // and changes nothing:
  const std::vector<float> second = show(1);
  inference.reset();
  show(0);
  EXPECT_EQ(show(1), second);
}

// What has no launches to remember starts from zeros: batches of one prediction are independent of each other.
TEST_P(Embedding, PredictionRemembersNothing) {
  Population population = make_population(recurrent(2), options(3));
  const Array x{{4, 2, 3}, numbers(24, 5)};
  const Array once = population.predict(x, Ensemble::none);
  EXPECT_EQ(population.predict(x, Ensemble::none).values, once.values);
}

// The same training as train() does from copies of the samples: bitwise.
TEST_P(Embedding, TrainingOnViewsIsTrainingOnCopies) {
  constexpr int64_t members = 6, samples = 10;
  std::vector<float> x = numbers(samples * 5, 2), y = numbers(samples * 2, 3);
  Array dense_x{{samples, 3}, {}};
  for (size_t s = 0; s < samples; ++s)
    for (size_t k = 0; k < 3; ++k) dense_x.values.push_back(x[s * 5 + k]);
  Options o = options(members);
  o.steps = 21;
  const Population copied = train(network(), dense_x, {{samples, 2}, y}, o);

  Population viewed = make_population(network(), o);
  Trainer trainer(viewed, {address(x), {samples, 3}, {5, 1}}, {address(y), {samples, 2}, {}});
  trainer.start(1).wait();
  trainer.start(20).wait();
  for (const std::string& name : copied.parameter_names())
    EXPECT_EQ(viewed.parameter(name).values, copied.parameter(name).values) << name;
  const Scores scores = trainer.scores();
  EXPECT_EQ(scores.names, std::vector<std::string>{"loss"});
  EXPECT_EQ(scores.values[0].size(), size_t{members});
  EXPECT_THROW(trainer.scores(), Error);  // nothing new
}

TEST_P(Embedding, ParametersCanBeSet) {
  Population population = make_population(network(), options(4));
  Array bias = population.parameter("2.bias");
  std::iota(bias.values.begin(), bias.values.end(), 0.0f);
  population.set_parameter("2.bias", bias);
  EXPECT_EQ(population.parameter("2.bias").values, bias.values);
  EXPECT_EQ(population.parameter_names().size(), 4u);
  EXPECT_THROW(population.set_parameter("2.bios", bias), Error);
}

TEST_P(Embedding, ViewsThatCannotServeAreNamed) {
  Population population = make_population(network(), options(4));
  std::vector<float> x(12), y(8);
  const View good_x{address(x), {4, 1, 3}, {}}, good_y{address(y), {4, 1, 2}, {}};
  const auto refused = [&](const View& some_x, const View& some_y) {
    try {
      Inference inference(population, some_x, some_y);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind, Error::Kind::usage);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(refused(good_x, good_y), "accepted");
  EXPECT_THAT(refused({0, {4, 1, 3}, {}}, good_y), HasSubstr("x: a view of no memory"));
  EXPECT_THAT(refused({address(x), {4, 1, 2}, {}}, good_y), HasSubstr("x: expected a view of shape [4, 1, 3]"));
  EXPECT_THAT(refused({address(x), {4, 1, 3}, {3, 1}}, good_y), HasSubstr("x: 2 strides for shape [4, 1, 3]"));
  EXPECT_THAT(refused({address(x), {4, 1, 3}, {3, 3, -1}}, good_y), HasSubstr("x: axis 2: extent 3 and stride -1"));
  EXPECT_THAT(refused({address(x) + 2, {4, 1, 3}, {}}, good_y), HasSubstr("is no multiple of 4"));
  EXPECT_THAT(refused(good_x, {address(y), {4, 1, 2}, {0, 0, 1}}), HasSubstr("y: stride 0 along axis 0"));
}

INSTANTIATE_TEST_SUITE_P(Devices, Embedding, testing::Values("reference", "cpu"),
                         [](const auto& one) { return one.param; });

// The whole way to the GPU and back, on the fake driver and the emulator: the results are the reference device's.
TEST(EmbeddingCuda, TrainingOnTheFakeGpuIsTheReferences) {
  const std::vector<float> x = numbers(30, 2), y = numbers(20, 3);
  Options o;
  o.members = 5;
  o.batch = 4;
  o.steps = 6;
  o.device = "cuda";
  Population on_gpu = train(network(), {{10, 3}, x}, {{10, 2}, y}, o);
  o.device = "reference";
  Population on_reference = train(network(), {{10, 3}, x}, {{10, 2}, y}, o);
  for (const std::string& name : on_gpu.parameter_names()) {
    const std::vector<float> a = on_gpu.parameter(name).values, b = on_reference.parameter(name).values;
    for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 2e-6) << name << " " << i;
  }
  const Array predicted = on_gpu.predict({{2, 3}, {1, 0, 0, 0, 1, 0}});
  EXPECT_NEAR(predicted.values[0], on_reference.predict({{2, 3}, {1, 0, 0, 0, 1, 0}}).values[0], 1e-5);
}

TEST(EmbeddingSpec, PermissionsAreWritten) {
  Network net({2});
  net.dense(3).layer("tanh").loss("mse").optimizer("sgd").precision("tf32").fast_math();
  EXPECT_THAT(net.json(), HasSubstr("\"precision\": \"tf32\""));
  EXPECT_THAT(net.json(), HasSubstr("\"fast_math\": true"));
  EXPECT_THAT(net.fast_math(false).json(), HasSubstr("\"fast_math\": false"));
}

// What does not fit is said before anything is allocated, with sizes and what would fit.
TEST(EmbeddingCuda, APopulationThatDoesNotFitIsRefusedWithItsSizes) {
  Network wide({1000});
  wide.dense(1000).loss("mse").optimizer("adam");
  Options o;
  o.members = 100000;
  o.device = "cuda";
  o.steps = o.batch = 1;
  try {
    train(wide, {{1, 1000}, std::vector<float>(1000)}, {{1, 1000}, std::vector<float>(1000)}, o);
    FAIL() << "trained";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind, Error::Kind::device);
    EXPECT_THAT(error.what(), HasSubstr("the train program of 100000 members needs 12"));
    EXPECT_THAT(
        error.what(),
        HasSubstr("bytes on the device, 85899345920 are free (data.x 4000, data.y 4000, 0.weight 400000000000"));
    EXPECT_THAT(error.what(), HasSubstr("members fit: train the others apart"));
  }
}

}  // namespace
}  // namespace shoal::api
