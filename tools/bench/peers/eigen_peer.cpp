// The perceptron with Eigen's matrix products.
#include "mlp_peer.h"

namespace {

using peers::Matrix;

struct EigenProduct {
  EigenProduct(const std::vector<int32_t>&, int32_t) {}
  void forward(size_t, const Matrix& w, const Matrix& x, Matrix& y) {
    if (x.cols() == 1)
      y.col(0).noalias() = w * x.col(0);  // a matrix-vector product
    else
      y.noalias() = w * x;
  }
  void weight_gradient(size_t, const Matrix& dy, const Matrix& x, Matrix& dw) { dw.noalias() = dy * x.transpose(); }
  void input_gradient(size_t, const Matrix& w, const Matrix& dy, Matrix& dx) { dx.noalias() = w.transpose() * dy; }
};

}  // namespace

int main(int count, char** arguments) { return peers::run_peer<EigenProduct>(count, arguments); }
