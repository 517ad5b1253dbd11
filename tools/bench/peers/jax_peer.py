"""JAX: vmap over members, lax.scan over steps, jit. Forms: `vmap`, and `sharded` with one XLA device a core."""

import os
import time

import case as cases

options = cases.arguments()
os.environ["JAX_PLATFORMS"] = options.device
if options.form == "sharded":
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={os.cpu_count()}"

import jax  # noqa: E402  (XLA reads its flags on import)
import jax.numpy as jnp  # noqa: E402


def convolve(x, weight, bias, fields):
    """Patches and a contraction: under vmap much faster on CPUs than a convolution with groups."""
    (kh, kw), (sh, sw), (ph, pw) = (cases.pair(fields[key]) for key in ("kernel", "stride", "padding"))
    x = jnp.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    height, width = (x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1
    patches = jnp.stack([x[:, :, i:i + sh * height:sh, j:j + sw * width:sw] for i in range(kh) for j in range(kw)], 2)
    rows = patches.transpose(0, 3, 4, 1, 2).reshape(-1, x.shape[1] * kh * kw)
    out = rows @ weight.reshape(weight.shape[0], -1).T + bias
    return out.reshape(x.shape[0], height, width, -1).transpose(0, 3, 1, 2)


def pool(x, fields):
    (kh, kw), (sh, sw), (ph, pw) = (cases.pair(fields[key]) for key in ("kernel", "stride", "padding"))
    if (sh, sw) in ((0, 0), (kh, kw)) and (ph, pw) == (0, 0):
        n, c, h, w = x.shape
        return x[:, :, :h // kh * kh, :w // kw * kw].reshape(n, c, h // kh, kh, w // kw, kw).max((3, 5))
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, kh, kw), (1, 1, sh or kh, sw or kw),
                                 ((0, 0), (0, 0), (ph, ph), (pw, pw)))


def gru(x, parameters, name):
    """The last state over x: [samples, steps, features]; the inputs of all steps are projected before the loop."""
    weight, bias = (parameters[f"{name}.{part}_hh"] for part in ("weight", "bias"))
    projected = x @ parameters[name + ".weight_ih"].T + parameters[name + ".bias_ih"]

    def step(h, projected):
        (ir, iz, inew), (hr, hz, hnew) = (jnp.split(v, 3, -1) for v in (projected, h @ weight.T + bias))
        reset, update = jax.nn.sigmoid(ir + hr), jax.nn.sigmoid(iz + hz)
        return (1 - update) * jnp.tanh(inew + reset * hnew) + update * h, None

    return jax.lax.scan(step, jnp.zeros((x.shape[0], weight.shape[1]), x.dtype), projected.transpose(1, 0, 2))[0]


def forward(case, parameters, x):
    for op, fields, name in case.weighted_layers():
        if op == "dense":
            x = x @ parameters[name + ".weight"].T + parameters[name + ".bias"]
        elif op == "conv2d":
            x = convolve(x, parameters[name + ".weight"], parameters[name + ".bias"], fields)
        elif op == "max_pool2d":
            x = pool(x, fields)
        elif op == "gru":
            x = gru(x, parameters, name)
        elif op == "flatten":
            x = x.reshape(x.shape[0], -1)
        else:
            x = {"relu": jax.nn.relu, "tanh": jnp.tanh}[op](x)
    return x


def loss(case, parameters, x, y):
    prediction = forward(case, parameters, x)
    if case.loss == "mse":
        return jnp.mean((prediction - y) ** 2)
    return -jnp.take_along_axis(jax.nn.log_softmax(prediction), y[:, None], axis=-1).mean()


def sgd(h):
    def update(parameters, gradient, state):
        return jax.tree.map(lambda p, g: p - h["lr"] * g, parameters, gradient), state

    return (lambda parameters: ()), update


def adam(h):
    def start(parameters):
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        return zeros, zeros, jnp.float32(0)

    def update(parameters, gradient, state):
        first, second, step = state
        step += 1
        first = jax.tree.map(lambda m, g: h["beta1"] * m + (1 - h["beta1"]) * g, first, gradient)
        second = jax.tree.map(lambda v, g: h["beta2"] * v + (1 - h["beta2"]) * g * g, second, gradient)
        rate, root = h["lr"] / (1 - h["beta1"] ** step), jnp.sqrt(1 - h["beta2"] ** step)
        moved = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) / root + h["eps"]), parameters, first, second)
        return moved, (first, second, step)

    return start, update


def training(case):
    """f(parameters, order, x, y) of one member: K steps from fresh optimizer state."""
    start, update = {"adam": adam, "sgd": sgd}[case.optimizer](case.hyper)

    def train(parameters, order, x, y):
        def step(carry, indices):
            parameters, state = carry
            gradient = jax.grad(lambda p: loss(case, p, x[indices], y[indices]))(parameters)
            return update(parameters, gradient, state), None

        return jax.lax.scan(step, (parameters, start(parameters)), order)[0][0]

    return train


def main():
    case = cases.Case(options.case, options.members)
    if case.train:
        function, axes, shared = training(case), (0, 0, None, None), [case.x, case.y]
        own = [case.initial, case.order[:]]
    else:
        function, axes, shared = (lambda p, x: forward(case, p, x)), (0, 0), []
        own = [case.initial, case.x]
    function = jax.vmap(function, in_axes=axes)
    devices = jax.devices()
    if options.form == "sharded":
        mesh = jax.sharding.Mesh(devices, "member")
        split, whole = (jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*p)) for p in (("member",), ()))
        function = jax.experimental.shard_map.shard_map(
            function, mesh=mesh, in_specs=tuple(jax.sharding.PartitionSpec(*(("member",) if a == 0 else ())) for a in axes),
            out_specs=jax.sharding.PartitionSpec("member"), check_rep=False)
    else:
        split = whole = devices[0]
    inputs = [jax.device_put(jax.tree.map(jnp.asarray, v), split) for v in own] + [jax.device_put(v, whole) for v in shared]
    start = time.perf_counter()
    compiled = jax.jit(function).lower(*inputs).compile()
    compile_seconds = time.perf_counter() - start
    launches = 1 if case.train else case.steps

    def run():
        for _ in range(launches):
            result = compiled(*inputs)
        return jax.block_until_ready(result)

    seconds, result = cases.timed(run, options.repetitions)
    cases.report(options, case, seconds, result if case.train else {"y": result}, compile_seconds)


if __name__ == "__main__":
    from jax.experimental import shard_map  # noqa: F401
    main()
