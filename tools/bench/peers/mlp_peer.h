// A multilayer perceptron written by hand for one member, and members one after another on every core; the matrix
// products come from a policy. All matrices are column-major, a column per sample.
#pragma once

#include <Eigen/Dense>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace peers {

using Matrix = Eigen::MatrixXf;
using Vector = Eigen::VectorXf;

enum Activation : int32_t { relu, tanh_ };
enum Loss : int32_t { mse, cross_entropy };
enum Optimizer : int32_t { sgd, adam };

// The file native_peer.py writes: integers, then hyperparameters, data, order and the members' parameters.
struct Case {
  int32_t train, members, steps, batch, samples, repetitions, activation, loss, optimizer, targets;
  std::vector<int32_t> units;  // of the input and of each layer
  float lr, beta1, beta2, eps;
  Matrix x, y;                               // [units, samples]; a label is a target of one row
  std::vector<int32_t> order;                // [member, step, batch]
  std::vector<std::vector<Matrix>> weights;  // [member][layer], [outputs, inputs]
  std::vector<std::vector<Vector>> biases;
};

inline Case read_case(const char* path) {
  std::ifstream file(path, std::ios::binary);
  file.exceptions(std::ios::failbit | std::ios::badbit);
  auto read = [&](auto* to, size_t count) {
    file.read(reinterpret_cast<char*>(to), static_cast<std::streamsize>(count * sizeof(*to)));
  };
  Case c;
  read(&c.train, 10);
  int32_t layers;
  read(&layers, 1);
  c.units.resize(static_cast<size_t>(layers) + 1);
  read(c.units.data(), c.units.size());
  read(&c.lr, 4);
  c.x.resize(c.units[0], c.samples);
  read(c.x.data(), static_cast<size_t>(c.x.size()));
  c.y.resize(c.targets, c.samples);
  read(c.y.data(), static_cast<size_t>(c.y.size()));
  c.order.resize(static_cast<size_t>(c.members) * c.steps * c.batch);
  read(c.order.data(), c.order.size());
  for (int32_t m = 0; m < c.members; ++m) {
    c.weights.emplace_back();
    c.biases.emplace_back();
    for (int32_t l = 0; l < layers; ++l) {
      read(c.weights.back().emplace_back(c.units[l + 1], c.units[l]).data(), size_t(c.units[l + 1]) * c.units[l]);
      read(c.biases.back().emplace_back(c.units[l + 1]).data(), static_cast<size_t>(c.units[l + 1]));
    }
  }
  return c;
}

inline void apply(Activation activation, Matrix& z) {
  z = activation == relu ? Matrix(z.array().max(0.0f)) : Matrix(z.array().tanh());
}

// The gradient of the loss (a mean over the batch) with respect to the prediction, into `p`.
inline void loss_gradient(Loss loss, Matrix& p, const Matrix& y) {
  if (loss == mse) {
    p = (p - y) * (2.0f / static_cast<float>(p.size()));
    return;
  }
  for (Eigen::Index s = 0; s < p.cols(); ++s) {
    p.col(s) = (p.col(s).array() - p.col(s).maxCoeff()).exp();
    p.col(s) /= p.col(s).sum() * static_cast<float>(p.cols());
    p(static_cast<Eigen::Index>(y(0, s)), s) -= 1.0f / static_cast<float>(p.cols());
  }
}

// Scratch of one thread, used for one member after another.
template <class Product>
class Mlp {
 public:
  explicit Mlp(const Case& c) : c_(c), depth_(c.units.size() - 1), product_(c.units, c.batch) {
    values_.resize(depth_ + 1);
    gradients_.resize(depth_ + 1);
    for (size_t l = 0; l <= depth_; ++l) {
      values_[l].resize(c.units[l], c.batch);
      gradients_[l].resize(c.units[l], c.batch);
    }
    targets_.resize(c.targets, c.batch);
    for (size_t l = 0; l < depth_; ++l) {
      weight_gradients_.emplace_back(c.units[l + 1], c.units[l]);
      bias_gradients_.emplace_back(c.units[l + 1]);
    }
  }

  void train(int32_t member, std::vector<Matrix>& weights, std::vector<Vector>& biases) {
    reset_moments();
    for (int32_t step = 0; step < c_.steps; ++step) {
      const int32_t* order = &c_.order[(size_t(member) * c_.steps + step) * c_.batch];
      for (int32_t s = 0; s < c_.batch; ++s) {
        values_[0].col(s) = c_.x.col(order[s]);
        targets_.col(s) = c_.y.col(order[s]);
      }
      forward(weights, biases);
      backward(weights);
      const float t = static_cast<float>(step + 1);
      const float rate = c_.lr / (1 - std::pow(c_.beta1, t)), root = std::sqrt(1 - std::pow(c_.beta2, t));
      for (size_t l = 0; l < depth_; ++l) {
        update(weights[l], weight_gradients_[l], first_[l], second_[l], rate, root);
        update(biases[l], bias_gradients_[l], first_bias_[l], second_bias_[l], rate, root);
      }
    }
  }

  void infer(int32_t member, const std::vector<Matrix>& weights, const std::vector<Vector>& biases, Matrix& outputs) {
    values_[0].col(0) = c_.x.col(member);
    forward(weights, biases);
    outputs.col(member) = values_[depth_].col(0);
  }

 private:
  void forward(const std::vector<Matrix>& weights, const std::vector<Vector>& biases) {
    for (size_t l = 0; l < depth_; ++l) {
      product_.forward(l, weights[l], values_[l], values_[l + 1]);
      values_[l + 1].colwise() += biases[l];
      if (l + 1 < depth_) apply(static_cast<Activation>(c_.activation), values_[l + 1]);
    }
  }

  void backward(const std::vector<Matrix>& weights) {
    gradients_[depth_] = values_[depth_];
    loss_gradient(static_cast<Loss>(c_.loss), gradients_[depth_], targets_);
    for (size_t l = depth_; l-- > 0;) {
      product_.weight_gradient(l, gradients_[l + 1], values_[l], weight_gradients_[l]);
      bias_gradients_[l] = gradients_[l + 1].rowwise().sum();
      if (l == 0) break;
      product_.input_gradient(l, weights[l], gradients_[l + 1], gradients_[l]);
      if (c_.activation == relu)
        gradients_[l].array() *= (values_[l].array() > 0.0f).cast<float>();
      else
        gradients_[l].array() *= 1.0f - values_[l].array().square();
    }
  }

  template <class T>
  void update(T& parameter, const T& gradient, T& first, T& second, float rate, float root) {
    if (c_.optimizer == sgd) {
      parameter -= c_.lr * gradient;
      return;
    }
    first = c_.beta1 * first + (1 - c_.beta1) * gradient;
    second = c_.beta2 * second + (1 - c_.beta2) * gradient.cwiseAbs2();
    parameter.array() -= rate * first.array() / (second.array().sqrt() / root + c_.eps);
  }

  void reset_moments() {
    first_.clear(), second_.clear(), first_bias_.clear(), second_bias_.clear();
    for (size_t l = 0; l < depth_; ++l) {
      first_.push_back(Matrix::Zero(c_.units[l + 1], c_.units[l]));
      first_bias_.push_back(Vector::Zero(c_.units[l + 1]));
    }
    second_ = first_, second_bias_ = first_bias_;
  }

  const Case& c_;
  size_t depth_;
  Product product_;
  std::vector<Matrix> values_, gradients_, weight_gradients_, first_, second_;
  std::vector<Vector> bias_gradients_, first_bias_, second_bias_;
  Matrix targets_;
};

// Runs f(worker, member) over all members on all cores.
template <class F>
void over_members(int32_t members, F f) {
  std::vector<std::thread> threads;
  const auto workers = static_cast<int32_t>(std::max(1u, std::thread::hardware_concurrency()));
  for (int32_t w = 0; w < workers; ++w)
    threads.emplace_back([=, &f] {
      const auto first = int64_t(members) * w / workers, last = int64_t(members) * (w + 1) / workers;
      for (int64_t m = first; m < last; ++m) f(w, static_cast<int32_t>(m));
    });
  for (std::thread& t : threads) t.join();
}

// Usage: PEER CASE RESULT. The result: seconds of each repetition as double, then parameters or outputs.
template <class Product>
int run_peer(int count, char** arguments) {
  if (count != 3) return std::fprintf(stderr, "usage: %s CASE RESULT\n", arguments[0]), 2;
  const Case c = read_case(arguments[1]);
  std::vector<Mlp<Product>> workers(std::max(1u, std::thread::hardware_concurrency()), Mlp<Product>(c));
  std::vector<double> seconds;
  auto weights = c.weights;
  auto biases = c.biases;
  Matrix outputs(c.units.back(), c.members);
  for (int32_t repetition = -1; repetition < c.repetitions; ++repetition) {  // one to warm up
    weights = c.weights, biases = c.biases;
    const auto start = std::chrono::steady_clock::now();
    if (c.train)
      over_members(c.members,
                   [&](int32_t w, int32_t m) { workers[size_t(w)].train(m, weights[size_t(m)], biases[size_t(m)]); });
    else
      for (int32_t step = 0; step < c.steps; ++step)
        over_members(c.members, [&](int32_t w, int32_t m) {
          workers[size_t(w)].infer(m, weights[size_t(m)], biases[size_t(m)], outputs);
        });
    if (repetition >= 0)
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::ofstream file(arguments[2], std::ios::binary);
  file.exceptions(std::ios::failbit | std::ios::badbit);
  auto write = [&](const auto* from, auto n) {
    file.write(reinterpret_cast<const char*>(from), static_cast<std::streamsize>(size_t(n) * sizeof(*from)));
  };
  write(seconds.data(), seconds.size());
  if (!c.train) write(outputs.data(), outputs.size());
  for (int32_t m = 0; c.train && m < c.members; ++m)
    for (size_t l = 0; l + 1 < c.units.size(); ++l) {
      write(weights[size_t(m)][l].data(), weights[size_t(m)][l].size());
      write(biases[size_t(m)][l].data(), biases[size_t(m)][l].size());
    }
  return 0;
}

}  // namespace peers
