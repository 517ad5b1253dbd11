# PyTorch's outputs and gradients of the recurrent layers in double: writes data/torch_rnn.json, one case a line, in the
# form of torch_ops.json. Run by hand when a case is added: python3 tests/reference/torch_rnn.py
import json
import os
import random

import torch
import torch.nn as nn

torch.set_default_dtype(torch.float64)
BATCH = 3
MODULES = {"rnn": nn.RNN, "gru": nn.GRU}

# (op as JSON, unit shape of the input: steps and features)
LAYERS = [
    ({"rnn": {"units": 3}}, [4, 2]),
    ({"rnn": {"units": 3, "output": "sequence"}}, [4, 2]),
    ({"rnn": {"units": 3, "nonlinearity": "relu"}}, [5, 2]),
    ({"rnn": {"units": 2, "nonlinearity": "relu", "output": "sequence", "bias": False}}, [3, 4]),
    ({"rnn": {"units": 2}}, [1, 3]),
    ({"rnn": {"units": 3, "truncate": 2}}, [5, 2]),
    ({"rnn": {"units": 3, "truncate": 3, "output": "sequence"}}, [6, 2]),
    ({"gru": {"units": 3}}, [4, 2]),
    ({"gru": {"units": 3, "output": "sequence"}}, [4, 2]),
    ({"gru": {"units": 2, "bias": False}}, [5, 3]),
    ({"gru": {"units": 1, "output": "sequence"}}, [1, 1]),
    ({"gru": {"units": 2, "truncate": 2}}, [5, 3]),
    ({"gru": {"units": 2, "truncate": 1, "output": "sequence"}}, [4, 3]),
]


def random_layers(count):
    """Layers of any kind: what the list above does not think of."""
    draw = random.Random(11)
    for _ in range(count):
        name = draw.choice(["rnn", "gru"])
        fields = {"units": draw.randint(1, 9), "bias": draw.random() < 0.7,
                  "output": draw.choice(["last", "sequence"]), "truncate": draw.choice([0, 0, 1, 2, 3, 4])}
        if name == "rnn":
            fields["nonlinearity"] = draw.choice(["tanh", "relu"])
        yield {name: fields}, [draw.randint(1, 9), draw.randint(1, 9)]


def flat(tensor):
    return tensor.detach().reshape(-1).tolist()


def layer_case(op, shape):
    (name, fields), = op.items()
    fields = dict(fields)
    units, output, truncate = fields.pop("units"), fields.pop("output", "last"), fields.pop("truncate", 0)
    module = MODULES[name](shape[1], units, batch_first=True, **fields)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn_like(parameter))
    x = torch.randn(BATCH, *shape).requires_grad_()
    if truncate == 0:
        steps, _ = module(x)
    else:
        # A step at a time; at the first of every `truncate` steps the hidden state passes no gradient.
        steps, h = [], torch.zeros(1, BATCH, units)
        for t in range(shape[0]):
            y, h = module(x[:, t:t + 1], h.detach() if t % truncate == 0 else h)
            steps.append(y)
        steps = torch.cat(steps, 1)
    y = steps if output == "sequence" else steps[:, -1]
    cotangent = torch.randn_like(y)
    y.backward(cotangent)
    parameters = {key.replace("_l0", ""): p for key, p in module.named_parameters()}
    return {
        "kind": "layer", "op": op, "batch": BATCH, "shapes": [shape], "inputs": [flat(x)],
        "parameters": {key: flat(p) for key, p in parameters.items()},
        "output_shape": list(y.shape[1:]), "output": flat(y), "cotangent": flat(cotangent),
        "input_gradients": [flat(x.grad)],
        "parameter_gradients": {key: flat(p.grad) for key, p in parameters.items()},
    }


def main():
    torch.manual_seed(3)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "torch_rnn.json")
    with open(path, "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(layer_case(*c)) for c in LAYERS + list(random_layers(20))) + "\n]\n")


if __name__ == "__main__":
    main()
