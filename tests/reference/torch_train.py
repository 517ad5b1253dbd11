# Weights and losses of small networks that PyTorch trained for a few steps in double, for every optimizer and loss:
# writes data/torch_train.json, one case a line. Run by hand when a case is added: python3 tests/reference/torch_train.py
import json
import os

import torch
import torch.nn as nn

torch.set_default_dtype(torch.float64)
MEMBERS, SAMPLES, BATCH, STEPS = 2, 7, 3, 5


class Skip(nn.Module):
    """0: dense, 1: relu, 2: dense, sum = 0 + 2, head: dense. Names as in the spec's layers."""

    def __init__(self):
        super().__init__()
        self.add_module("first", nn.Linear(3, 4))
        self.add_module("2", nn.Linear(4, 4))
        self.add_module("head", nn.Linear(4, 2))

    def forward(self, x):
        first = self.first(x)
        return self.head(first + getattr(self, "2")(torch.relu(first)))


class LastOfGru(nn.GRU):
    def __init__(self, features, units):
        super().__init__(features, units, batch_first=True)

    def forward(self, x):
        return super().forward(x)[0][:, -1]


TANH = ([3], [{"dense": {"units": 4}}, {"tanh": {}}, {"dense": {"units": 2}}],
        lambda: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)))
CLASSES = ([4], [{"dense": {"units": 5}}, {"relu": {}}, {"dense": {"units": 3}}],
           lambda: nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)))
NORM = ([4], [{"dense": {"units": 5}}, {"layer_norm": {}}, {"gelu": {}}, {"dense": {"units": 2}}],
        lambda: nn.Sequential(nn.Linear(4, 5), nn.LayerNorm(5), nn.GELU(), nn.Linear(5, 2)))
CONV = ([1, 6, 6], [{"conv2d": {"out_channels": 2, "kernel": 3, "padding": 1}}, {"relu": {}}, {"max_pool2d": {"kernel": 2}},
                    {"flatten": {}}, {"dense": {"units": 3}}],
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 3)))
# Windows that overlap, step and reach beyond the ends, the first of them over the data themselves.
WINDOWS = ([1, 5, 7], [{"max_pool2d": {"kernel": [2, 3], "stride": [2, 1], "padding": [1, 1]}},
                       {"conv2d": {"out_channels": 2, "kernel": [2, 3], "stride": [1, 2], "padding": 1}}, {"tanh": {}},
                       {"avg_pool2d": {"kernel": 2, "stride": 1, "padding": 1}}, {"flatten": {}}, {"dense": {"units": 2}}],
           lambda: nn.Sequential(nn.MaxPool2d((2, 3), (2, 1), (1, 1)), nn.Conv2d(1, 2, (2, 3), (1, 2), 1), nn.Tanh(),
                                 nn.AvgPool2d(2, 1, 1), nn.Flatten(), nn.Linear(50, 2)))
SKIP = ([3], [{"op": {"dense": {"units": 4}}, "name": "first"}, {"relu": {}}, {"dense": {"units": 4}},
              {"op": {"add": {}}, "name": "sum", "inputs": ["first", "2"]},
              {"op": {"dense": {"units": 2}}, "name": "head"}], Skip)
GRU = ([4, 2], [{"gru": {"units": 3}}, {"dense": {"units": 2}}],
       lambda: nn.Sequential(LastOfGru(2, 3), nn.Linear(3, 2)))
MSE = ({"mse": {}}, nn.MSELoss(), "normal")
OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "rmsprop": torch.optim.RMSprop}

# (name, network, loss, optimizer as JSON, learning rates of the members where they vary)
CASES = [
    ("sgd", TANH, MSE, {"sgd": {"lr": 0.1}}, None),
    ("sgd_vary_lr", TANH, MSE, {"sgd": {"lr": 0.1}}, [0.05, 0.3]),
    ("sgd_momentum", TANH, MSE, {"sgd": {"lr": 0.1, "momentum": 0.9}}, None),
    ("sgd_dampening", TANH, MSE, {"sgd": {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}}, None),
    ("sgd_nesterov", TANH, MSE, {"sgd": {"lr": 0.1, "momentum": 0.9, "nesterov": True}}, None),
    ("sgd_decay", TANH, MSE, {"sgd": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.05}}, None),
    ("adam", TANH, MSE, {"adam": {}}, None),
    ("adam_vary_lr", TANH, MSE, {"adam": {"lr": 0.01}}, [0.01, 0.1]),
    ("adam_options", TANH, MSE, {"adam": {"lr": 0.01, "beta1": 0.8, "beta2": 0.95, "eps": 1e-6, "weight_decay": 0.1}}, None),
    ("adamw", TANH, MSE, {"adamw": {"lr": 0.01}}, None),
    ("adamw_vary_lr", TANH, MSE, {"adamw": {"lr": 0.01, "weight_decay": 0.1}}, [0.01, 0.1]),
    ("rmsprop", TANH, MSE, {"rmsprop": {}}, None),
    ("rmsprop_options", TANH, MSE, {"rmsprop": {"lr": 0.02, "alpha": 0.9, "weight_decay": 0.1, "momentum": 0.5}}, None),
    ("l1", TANH, ({"l1": {}}, nn.L1Loss(), "normal"), {"sgd": {"lr": 0.1}}, None),
    ("huber", TANH, ({"huber": {"delta": 0.7}}, nn.HuberLoss(delta=0.7), "normal"), {"sgd": {"lr": 0.1}}, None),
    ("binary", TANH, ({"binary_cross_entropy": {}}, nn.BCEWithLogitsLoss(), "bit"), {"adam": {"lr": 0.01}}, None),
    ("classes", CLASSES, ({"cross_entropy": {}}, nn.CrossEntropyLoss(), "label"), {"sgd": {"lr": 0.2, "momentum": 0.5}}, None),
    ("smoothing", CLASSES, ({"cross_entropy": {"label_smoothing": 0.1}}, nn.CrossEntropyLoss(label_smoothing=0.1), "label"),
     {"adam": {"lr": 0.01}}, None),
    ("layer_norm", NORM, MSE, {"adam": {"lr": 0.02}}, None),
    ("conv", CONV, ({"cross_entropy": {}}, nn.CrossEntropyLoss(), "label"), {"sgd": {"lr": 0.1, "momentum": 0.9}}, None),
    ("skip", SKIP, MSE, {"adam": {"lr": 0.01}}, None),
    ("gru", GRU, MSE, {"adam": {"lr": 0.01}}, None),
    ("windows", WINDOWS, MSE, {"sgd": {"lr": 0.1}}, None),
]


def optimizer_of(module, spec, lr):
    (name, options), = spec.items()
    options = dict(options)
    if lr is not None:
        options["lr"] = lr
    if "beta1" in options:
        options["betas"] = (options.pop("beta1"), options.pop("beta2"))
    return OPTIMIZERS[name](module.parameters(), **options)


def spec_name(key):
    return key.replace("_l0", "")  # of recurrent layers, which here have one layer


def run(name, network, loss, optimizer, rates):
    shape, layers, build = network
    loss_spec, loss_module, kind = loss
    outputs = list(build()(torch.zeros(1, *shape)).shape[1:])
    x = torch.randn(SAMPLES, *shape)
    if kind == "label":
        y = torch.randint(0, outputs[0], (SAMPLES,))
    else:
        y = torch.randn(SAMPLES, *outputs) if kind == "normal" else torch.randint(0, 2, (SAMPLES, *outputs)).double()
    initial, final, losses, order = {}, {}, [], []
    for member in range(MEMBERS):
        module = build()
        for key, p in module.named_parameters():
            initial.setdefault(spec_name(key), []).extend(p.detach().reshape(-1).tolist())
        optimiser = optimizer_of(module, optimizer, rates[member] if rates else None)
        indices = torch.cat([torch.randperm(SAMPLES)[:BATCH] for _ in range(STEPS)])
        order.extend(indices.tolist())
        for step in range(STEPS):
            i = indices[step * BATCH:(step + 1) * BATCH]
            value = loss_module(module(x[i]), y[i])
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            losses.append(value.item())
        for key, p in module.named_parameters():
            final.setdefault(spec_name(key), []).extend(p.detach().reshape(-1).tolist())
    return {"name": name, "input": shape, "layers": layers, "loss": loss_spec, "optimizer": optimizer,
            "vary": {"optimizer.lr": rates} if rates else {}, "members": MEMBERS, "samples": SAMPLES, "batch": BATCH,
            "steps": STEPS, "data_x": x.reshape(-1).tolist(), "data_y": y.reshape(-1).tolist(), "order": order,
            "initial": initial, "final": final, "losses": losses}


def main():
    torch.manual_seed(2)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "torch_train.json")
    with open(path, "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(run(*case)) for case in CASES) + "\n]\n")


if __name__ == "__main__":
    main()
