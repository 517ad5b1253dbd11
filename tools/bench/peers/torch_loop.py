"""PyTorch, one model after another: nn.Sequential and torch.optim, one process a core with one thread each."""

import torch
from torch import nn

import case as cases

options = cases.arguments()
case = cases.Case(options.case, options.members)


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
    return {"relu": nn.ReLU, "tanh": nn.Tanh, "flatten": nn.Flatten}[op]()


def model_of(member):
    weights = {name: torch.from_numpy(value[member].copy()) for name, value in case.initial.items()}
    model = nn.Sequential(*[module(op, fields, weights.get(name + ".weight"))
                            for op, fields, name in case.weighted_layers()])
    model.load_state_dict(weights)
    return model


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
    return {name: value.numpy() for name, value in model.state_dict().items()}


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
