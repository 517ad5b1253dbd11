// The perceptron with libxsmm's matrix products, compiled at run time for each shape.
#include <libxsmm.h>

#include "mlp_peer.h"

namespace {

using peers::Matrix;

class XsmmProduct {
 public:
  XsmmProduct(const std::vector<int32_t>& units, int32_t batch) {
    for (size_t l = 0; l + 1 < units.size(); ++l) {
      const int in = units[l], out = units[l + 1];
      forward_.push_back(dispatch(out, batch, in, LIBXSMM_GEMM_FLAG_NONE));
      weight_gradient_.push_back(dispatch(out, in, batch, LIBXSMM_GEMM_FLAG_TRANS_B));
      input_gradient_.push_back(dispatch(in, batch, out, LIBXSMM_GEMM_FLAG_NONE));
    }
  }
  void forward(size_t l, const Matrix& w, const Matrix& x, Matrix& y) { forward_[l](w.data(), x.data(), y.data()); }
  void weight_gradient(size_t l, const Matrix& dy, const Matrix& x, Matrix& dw) {
    weight_gradient_[l](dy.data(), x.data(), dw.data());
  }
  void input_gradient(size_t l, const Matrix& w, const Matrix& dy, Matrix& dx) {
    transposed_ = w.transpose();  // libxsmm has no kernels that read the left side transposed
    input_gradient_[l](transposed_.data(), dy.data(), dx.data());
  }

 private:
  static libxsmm_smmfunction dispatch(int m, int n, int k, int flags) {
    const float alpha = 1, beta = 0;
    const int lda = m, ldb = (flags & LIBXSMM_GEMM_FLAG_TRANS_B) ? n : k, ldc = m;
    libxsmm_smmfunction kernel = libxsmm_smmdispatch(m, n, k, &lda, &ldb, &ldc, &alpha, &beta, &flags, nullptr);
    if (!kernel) throw std::runtime_error("libxsmm has no kernel for a product of this shape");
    return kernel;
  }

  std::vector<libxsmm_smmfunction> forward_, weight_gradient_, input_gradient_;
  Matrix transposed_;
};

}  // namespace

int main(int count, char** arguments) { return peers::run_peer<XsmmProduct>(count, arguments); }
