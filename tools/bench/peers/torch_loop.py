"""PyTorch, one model after another: nn.Sequential and torch.optim, one process a core with one thread each."""

import torch
from torch import nn

import case as cases

options = cases.arguments()
case = cases.Case(options.case, options.members)


class LastState(nn.GRU):
    """nn.GRU under the names of shoal's parameters; gives the state after the last step."""

    def forward(self, x):
        return super().forward(x)[1][0]


def module(op, fields, weight):
    if op == "dense":
        return nn.Linear(weight.shape[1], weight.shape[0])
    if op == "conv2d":
        return nn.Conv2d(weight.shape[1], weight.shape[0], cases.pair(fields["kernel"]), cases.pair(fields["stride"]),
                         cases.pair(fields["padding"]))
    if op == "max_pool2d":
        stride = cases.pair(fields["stride"])
        return nn.MaxPool2d(cases.pair(fields["kernel"]), None if stride == (0, 0) else stride,
                            cases.pair(fields["padding"]))
    if op == "gru":
        return LastState(weight.shape[1], weight.shape[0] // 3, batch_first=True)
    return {"relu": nn.ReLU, "tanh": nn.Tanh, "flatten": nn.Flatten}[op]()


def model_of(member):
    weights = {name: torch.from_numpy(value[member].copy()) for name, value in case.initial.items()}
    model = nn.Sequential(*[module(op, fields, weights.get(name + ".weight", weights.get(name + ".weight_ih")))
                            for op, fields, name in case.weighted_layers()])
    model.load_state_dict({torch_name(name): value for name, value in weights.items()})
    return model


def torch_name(name):
    """nn.GRU numbers its layers: 0.weight_ih is its 0.weight_ih_l0."""
    return name + "_l0" if name.endswith(("_ih", "_hh")) else name


def optimizer_of(model):
    h = case.hyper
    if case.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), h["lr"], (h["beta1"], h["beta2"]), h["eps"], fused=True)
    return torch.optim.SGD(model.parameters(), h["lr"], fused=True)


def train_member(member):
    torch.set_num_threads(1)
    model, criterion = model_of(member), nn.MSELoss() if case.loss == "mse" else nn.CrossEntropyLoss()
    optimizer = optimizer_of(model)
    x = torch.from_numpy(case.x)
    y = torch.from_numpy(case.y).long() if case.loss == "cross_entropy" else torch.from_numpy(case.y)
    for indices in torch.from_numpy(case.order[member].copy()):
        optimizer.zero_grad()
        criterion(model(x[indices]), y[indices]).backward()
        optimizer.step()
    return {name.removesuffix("_l0"): value.numpy() for name, value in model.state_dict().items()}


def infer_member(member):
    torch.set_num_threads(1)
    model, x = model_of(member), torch.from_numpy(case.x[member])
    with torch.inference_mode():
        for _ in range(case.steps):
            y = model(x)
    return {"y": y.numpy()}


if __name__ == "__main__":
    times, results = cases.timed_on_all_cores(train_member if case.train else infer_member, case.members,
                                              options.repetitions)
    stacked = {name: [result[name] for result in results] for name in results[0]}
    cases.report(options, case, times, stacked, 0)
