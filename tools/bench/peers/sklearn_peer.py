"""scikit-learn: an MLPClassifier or MLPRegressor for each member, one process a core, for networks that it can express."""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # one process a core has all cores busy

import warnings  # noqa: E402

import numpy as np  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402

import case as cases  # noqa: E402

options = cases.arguments()
case = cases.Case(options.case, options.members)
dense = [name for op, _, name in case.weighted_layers() if op == "dense"]


def model_of(member):
    """A model with the case's initial weights; its first pass over two batches only makes it allocate."""
    hidden = [case.initial[name + ".weight"].shape[1] for name in dense[:-1]]
    h, outputs = case.hyper, case.initial[dense[-1] + ".bias"].shape[1]
    regression = case.loss == "mse"
    # scikit-learn halves the squared error and sums it over outputs where the mean squared error averages.
    rate = h["lr"] * (2 / outputs if regression and case.optimizer == "sgd" else 1)
    settings = dict(hidden_layer_sizes=hidden, activation=case.layers[1][0], solver=case.optimizer, alpha=0,
                    batch_size=case.batch, learning_rate_init=rate, shuffle=False, momentum=0,
                    nesterovs_momentum=False)
    if case.optimizer == "adam":
        settings |= dict(beta_1=h["beta1"], beta_2=h["beta2"], epsilon=h["eps"])
    model = (MLPRegressor if regression else MLPClassifier)(**settings)
    known = {} if regression else {"classes": np.arange(outputs)}
    model.partial_fit(case.x[:case.batch], targets(slice(case.batch)), **known)
    model.coefs_ = [case.initial[name + ".weight"][member].T.copy() for name in dense]
    model.intercepts_ = [case.initial[name + ".bias"][member].copy() for name in dense]
    del model._optimizer  # holds moments of the allocating pass
    model.t_ = 0
    model._optimizer = optimizer_of(model)
    return model


def optimizer_of(model):
    from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
    parameters = model.coefs_ + model.intercepts_
    if case.optimizer == "adam":
        return AdamOptimizer(parameters, model.learning_rate_init, model.beta_1, model.beta_2, model.epsilon)
    return SGDOptimizer(parameters, model.learning_rate_init, "constant", 0, False, 0.5)


def targets(indices):
    return case.y[indices].ravel() if case.y.ndim == 2 and case.y.shape[1] == 1 else case.y[indices]


def train_member(member):
    warnings.simplefilter("ignore")
    model = model_of(member)
    indices = np.asarray(case.order[member]).ravel()  # one pass over the ordered samples is the K steps
    model.partial_fit(case.x[indices], targets(indices))
    weights = {name + ".weight": w.T for name, w in zip(dense, model.coefs_)}
    return weights | {name + ".bias": b for name, b in zip(dense, model.intercepts_)}


if __name__ == "__main__":
    times, results = cases.timed_on_all_cores(train_member, case.members, options.repetitions)
    cases.report(options, case, times, {name: [r[name] for r in results] for name in results[0]}, 0)
