"""PyTorch, batched by hand: members are the batch dimension of baddbmm. Forms: `eager`, `compile` (whole steps), and on a
GPU `graph` (all steps of a repetition captured as one CUDA graph)."""

import time

import torch
import torch.nn.functional as F

import case as cases


def gru(x, parameters, name):
    """The last state over x: [members, batch, steps, features]; the inputs of all steps are projected before the loop."""
    w_ih, w_hh, b_ih, b_hh = (parameters[f"{name}.{part}"] for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    members, batch, steps = x.shape[:3]
    projected = torch.baddbmm(b_ih.unsqueeze(1), x.flatten(1, 2), w_ih.transpose(1, 2)).unflatten(1, (batch, steps))
    h = x.new_zeros(members, batch, w_hh.shape[2])
    for t in range(steps):
        ir, iz, inew = projected[:, :, t].chunk(3, -1)
        hr, hz, hnew = torch.baddbmm(b_hh.unsqueeze(1), h, w_hh.transpose(1, 2)).chunk(3, -1)
        update = torch.sigmoid(iz + hz)
        h = (1 - update) * torch.tanh(inew + torch.sigmoid(ir + hr) * hnew) + update * h
    return h


def forward(case, parameters, x):
    """x: [members, batch, ...]; images go as groups of channels, one group a member."""
    members, batch = x.shape[:2]
    for op, fields, name in case.weighted_layers():
        weight, bias = parameters.get(name + ".weight"), parameters.get(name + ".bias")
        if op == "dense":
            x = torch.baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2))
        elif op == "conv2d":
            grouped = x.transpose(0, 1).flatten(1, 2)
            y = F.conv2d(grouped, weight.flatten(0, 1), bias.flatten(), cases.pair(fields["stride"]),
                         cases.pair(fields["padding"]), groups=members)
            x = y.unflatten(1, (members, weight.shape[1])).transpose(0, 1)
        elif op == "max_pool2d":
            stride = cases.pair(fields["stride"])
            y = F.max_pool2d(x.flatten(0, 1), cases.pair(fields["kernel"]), None if stride == (0, 0) else stride,
                             cases.pair(fields["padding"]))
            x = y.unflatten(0, (members, batch))
        elif op == "gru":
            x = gru(x, parameters, name)
        elif op == "flatten":
            x = x.flatten(2)
        else:
            x = {"relu": torch.relu, "tanh": torch.tanh}[op](x)
    return x


def losses(case, parameters, x, y):
    """Sum over members of the mean over each one's batch: every member gets its own gradient."""
    prediction = forward(case, parameters, x)
    if case.loss == "mse":
        return ((prediction - y) ** 2).mean((1, 2)).sum()
    return F.cross_entropy(prediction.flatten(0, 1), y.flatten(), reduction="sum") / y.shape[1]


def update(case, parameters, moments, gradients, step):
    """SGD or Adam in place; `step` counts from 1, as a tensor, so that compiled code serves every step."""
    h = case.hyper
    with torch.no_grad():
        if case.optimizer == "sgd":
            torch._foreach_add_(list(parameters.values()), gradients, alpha=-h["lr"])
            return
        first, second = moments
        torch._foreach_lerp_(first, gradients, 1 - h["beta1"])
        torch._foreach_mul_(second, h["beta2"])
        torch._foreach_addcmul_(second, gradients, gradients, 1 - h["beta2"])
        root = torch.sqrt(1 - h["beta2"] ** step)
        rate = h["lr"] / (1 - h["beta1"] ** step)
        for p, m, v in zip(parameters.values(), first, second):
            p.sub_(rate * m / (v.sqrt() / root + h["eps"]))


def training_step(case, form):
    def step(parameters, moments, x, y, indices, count):
        xb, yb = x[indices], y[indices]
        if form == "compile":  # torch.func.grad can be traced together with the update, autograd.grad cannot
            gradients = torch.func.grad(lambda p: losses(case, p, xb, yb))(parameters)
            gradients = [gradients[name] for name in parameters]
        else:
            for p in parameters.values():
                p.requires_grad_(True)
            gradients = list(torch.autograd.grad(losses(case, parameters, xb, yb), list(parameters.values())))
        update(case, parameters, moments, gradients, count)

    return torch.compile(step, dynamic=False) if form == "compile" else step


def finished(run, device):
    """run(), and the wait for the device."""
    def wait(*arguments):
        result = run(*arguments)
        if device == "cuda":
            torch.cuda.synchronize()
        return result

    return wait


def captured(run):
    """All of run() as one CUDA graph, replayed."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):  # what is made at first use must not be made while capturing
        for _ in range(2):
            run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = run()

    def replay():
        graph.replay()
        torch.cuda.synchronize()
        return result

    return replay


def main():
    options = cases.arguments()
    case = cases.Case(options.case, options.members)
    initial = {name: torch.from_numpy(value.copy()).to(options.device) for name, value in case.initial.items()}
    x = torch.from_numpy(case.x).to(options.device)
    if case.train:
        y = torch.from_numpy(case.y).to(options.device)
        y = y.long() if case.loss == "cross_entropy" else y
        order = [torch.from_numpy(case.order[:, k].copy()).to(options.device).long() for k in range(case.steps)]
        counts = [torch.tensor(float(k + 1), device=options.device) for k in range(case.steps)]
        step = training_step(case, options.form)

        def run(steps=case.steps):
            parameters = {name: value.clone() for name, value in initial.items()}
            moments = [[torch.zeros_like(value) for value in initial.values()] for _ in range(2)]
            for k in range(steps):
                step(parameters, moments, x, y, order[k], counts[k])
            return {name: value.detach() for name, value in parameters.items()}
    else:
        call = torch.compile(forward, dynamic=False) if options.form == "compile" else forward

        def run(steps=case.steps):
            with torch.no_grad():
                for _ in range(steps):
                    result = call(case, initial, x)
            return {"y": result}

    work = finished(run, options.device)
    if options.form == "graph":
        work = captured(run)
    start = time.perf_counter()
    if options.form != "graph":
        work(1)
    compile_seconds = time.perf_counter() - start if options.form == "compile" else 0  # with the first step
    seconds, result = cases.timed(work, options.repetitions)
    result = {name: value.cpu() for name, value in result.items()}
    cases.report(options, case, seconds, result, compile_seconds)


if __name__ == "__main__":
    main()
