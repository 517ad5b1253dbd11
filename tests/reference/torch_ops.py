# PyTorch's outputs and gradients of every layer, activation and loss in double: writes data/torch_ops.json, one case a line.
# Run by hand when a case is added: python3 tests/reference/torch_ops.py
import json
import os

import torch
import torch.nn as nn

torch.set_default_dtype(torch.float64)
BATCH = 3


class Combine(nn.Module):
    def __init__(self, combine):
        super().__init__()
        self.combine = combine

    def forward(self, *inputs):
        return self.combine(inputs)


# (op as JSON, PyTorch's module, unit shapes of the inputs)
LAYERS = [
    ({"dense": {"units": 3}}, nn.Linear(4, 3), [[4]]),
    ({"dense": {"units": 1, "bias": False}}, nn.Linear(5, 1, bias=False), [[5]]),
    ({"dense": {"units": 2}}, nn.Linear(4, 2), [[3, 4]]),
    ({"conv2d": {"out_channels": 2, "kernel": 3}}, nn.Conv2d(1, 2, 3), [[1, 5, 5]]),
    ({"conv2d": {"out_channels": 3, "kernel": [2, 3], "stride": [2, 1], "padding": 1}},
     nn.Conv2d(2, 3, (2, 3), stride=(2, 1), padding=1), [[2, 4, 5]]),
    ({"conv2d": {"out_channels": 2, "kernel": 1, "bias": False}}, nn.Conv2d(3, 2, 1, bias=False), [[3, 2, 2]]),
    ({"max_pool2d": {"kernel": 2}}, nn.MaxPool2d(2), [[2, 4, 4]]),
    ({"max_pool2d": {"kernel": [3, 2], "stride": [1, 2], "padding": 1}}, nn.MaxPool2d((3, 2), (1, 2), 1), [[1, 5, 4]]),
    ({"max_pool2d": {"kernel": 3, "stride": 2, "padding": 1}}, nn.MaxPool2d(3, 2, 1), [[2, 5, 5]]),
    ({"avg_pool2d": {"kernel": 2}}, nn.AvgPool2d(2), [[2, 4, 5]]),
    ({"avg_pool2d": {"kernel": 3, "stride": 2, "padding": 1}}, nn.AvgPool2d(3, 2, 1), [[1, 5, 5]]),
    ({"flatten": {}}, nn.Flatten(), [[2, 3, 2]]),
    ({"layer_norm": {}}, nn.LayerNorm(5), [[5]]),
    ({"layer_norm": {"eps": 0.1, "affine": False}}, nn.LayerNorm([2, 3], eps=0.1, elementwise_affine=False), [[2, 3]]),
    ({"layer_norm": {"dims": 1}}, nn.LayerNorm(4), [[2, 4]]),
    ({"add": {}}, Combine(sum), [[3], [3]]),
    ({"concat": {}}, Combine(lambda v: torch.cat(v, 1)), [[2], [3]]),
    ({"concat": {"dim": 1}}, Combine(lambda v: torch.cat(v, 2)), [[2, 1], [2, 2], [2, 1]]),
    ({"relu": {}}, nn.ReLU(), [[6]]),
    ({"leaky_relu": {}}, nn.LeakyReLU(), [[6]]),
    ({"leaky_relu": {"negative_slope": 0.2}}, nn.LeakyReLU(0.2), [[2, 3]]),
    ({"elu": {"alpha": 0.5}}, nn.ELU(0.5), [[6]]),
    ({"tanh": {}}, nn.Tanh(), [[6]]),
    ({"sigmoid": {}}, nn.Sigmoid(), [[6]]),
    ({"silu": {}}, nn.SiLU(), [[6]]),
    ({"softplus": {}}, nn.Softplus(threshold=100), [[6]]),
    ({"gelu": {}}, nn.GELU(), [[6]]),
    ({"gelu": {"approximate": "tanh"}}, nn.GELU(approximate="tanh"), [[6]]),
    ({"softmax": {}}, nn.Softmax(-1), [[6]]),
    ({"softmax": {}}, nn.Softmax(-1), [[2, 3]]),
]

# (op as JSON, PyTorch's module, unit shape of the prediction, how targets are drawn)
LOSSES = [
    ({"mse": {}}, nn.MSELoss(), [4], "normal"),
    ({"mse": {}}, nn.MSELoss(), [2, 3], "normal"),
    ({"l1": {}}, nn.L1Loss(), [4], "normal"),
    ({"huber": {}}, nn.HuberLoss(), [4], "normal"),
    ({"huber": {"delta": 0.3}}, nn.HuberLoss(delta=0.3), [2, 3], "normal"),
    ({"cross_entropy": {}}, nn.CrossEntropyLoss(), [5], "label"),
    ({"cross_entropy": {"label_smoothing": 0.1}}, nn.CrossEntropyLoss(label_smoothing=0.1), [3], "label"),
    ({"binary_cross_entropy": {}}, nn.BCEWithLogitsLoss(), [4], "share"),
]


def flat(tensor):
    return tensor.detach().reshape(-1).tolist()


def layer_case(op, module, shapes):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn_like(parameter))
    # Activations have their corner at 0: every input holds one exact zero as well.
    inputs = [torch.randn(BATCH, *shape) * 2 for shape in shapes]
    if len(shapes[0]) < 3:
        inputs[0].view(-1)[0] = 0.0
    inputs = [x.requires_grad_() for x in inputs]
    output = module(*inputs)
    cotangent = torch.randn_like(output)
    output.backward(cotangent)
    return {
        "op": op, "batch": BATCH, "shapes": shapes, "inputs": [flat(x) for x in inputs],
        "parameters": {name: flat(p) for name, p in module.named_parameters()},
        "output_shape": list(output.shape[1:]), "output": flat(output), "cotangent": flat(cotangent),
        "input_gradients": [flat(x.grad) for x in inputs],
        "parameter_gradients": {name: flat(p.grad) for name, p in module.named_parameters()},
    }


def loss_case(op, module, shape, kind):
    prediction = (torch.randn(BATCH, *shape) * 2).requires_grad_()
    if kind == "label":
        target = torch.randint(0, shape[0], (BATCH,))
    else:
        target = torch.randn(BATCH, *shape) if kind == "normal" else torch.rand(BATCH, *shape).round(decimals=2)
    loss = module(prediction, target)
    loss.backward()
    return {"op": op, "batch": BATCH, "shape": shape, "prediction": flat(prediction), "target": flat(target),
            "loss": loss.item(), "gradient": flat(prediction.grad)}


def main():
    torch.manual_seed(1)
    cases = [{"kind": "layer", **layer_case(*c)} for c in LAYERS] + [{"kind": "loss", **loss_case(*c)} for c in LOSSES]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "torch_ops.json")
    with open(path, "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")


if __name__ == "__main__":
    main()
