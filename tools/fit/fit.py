#!/usr/bin/env python3
"""Fits the polynomials and rationals of compiler/lower/decompose.cpp (needs numpy and mpmath).

Minimax by Lawson's reweighting of linearised least squares; then coefficients are rounded to f32 one after another, and
the others are fitted again around each. Prints C++ constants and the relative error of the rounded approximant.
"""
import mpmath
import numpy as np


def lawson(matrix, target, weight, rounds=40):
    """Coefficients c that make max |(matrix c - target) * weight| small."""
    emphasis = np.ones(len(target))
    best, best_error = None, np.inf
    for _ in range(rounds):
        w = weight * np.sqrt(emphasis)
        c, *_ = np.linalg.lstsq(matrix * w[:, None], target * w, rcond=None)
        error = np.abs((matrix @ c - target) * weight)
        if error.max() < best_error:
            best, best_error = c, error.max()
        emphasis *= error / error.max() + 1e-3
        emphasis /= emphasis.mean()
    return best


def fit(name, x, g, relative_to, p_degree, q_degree, fixed):
    """g(x) ~ P(x) / Q(x), errors relative to `relative_to`; `fixed`: coefficients given, by index (P first, then Q1...)."""
    scale = x.max() if x.max() > -x.min() else -x.min()
    t = x / scale
    fixed = dict(fixed)
    count = p_degree + 1 + q_degree
    powers = [k if k <= p_degree else k - p_degree for k in range(count)]
    columns = [t**k if i <= p_degree else -g * t**k for i, k in enumerate(powers)]
    q = np.ones_like(x)
    order = [i for i in range(count) if i not in fixed]
    while True:
        rounds = 8 if q_degree else 1
        free = [i for i in range(count) if i not in fixed]
        values = {i: fixed[i] * scale ** powers[i] for i in fixed}
        known = g - sum((columns[i] * values[i] for i in fixed), np.zeros_like(x))
        for _ in range(rounds):
            if free:
                c = lawson(np.stack([columns[i] for i in free], axis=1), known, 1 / (relative_to * np.abs(q)))
                values.update(zip(free, c))
            q = 1 + sum((t ** powers[i] * values[i] for i in range(p_degree + 1, count)), np.zeros_like(x))
        if not free:
            break
        i = order.pop(0)
        fixed[i] = float(np.float32(values[i] / scale ** powers[i]))
    p = sum(t ** powers[i] * values[i] for i in range(p_degree + 1))
    print(f"// {name}: error {np.abs((p / q - g) / relative_to).max():.2e}")
    print("P", ", ".join(f"{float(np.float32(fixed[i])):.9g}f" for i in range(p_degree + 1)))
    if q_degree:
        print("Q 1.0f,", ", ".join(f"{float(np.float32(fixed[i])):.9g}f" for i in range(p_degree + 1, count)))


def chebyshev(low, high, count=500):
    return (low + high) / 2 - (high - low) / 2 * np.cos(np.pi * (np.arange(count) + 0.5) / count)


def of_square(function, high):
    """Nodes z = x*x and function(x)/x there: odd functions are x times something in z."""
    x = np.maximum(chebyshev(0, high), 1e-4)
    return x * x, np.array([float(function(mpmath.mpf(float(v))) / mpmath.mpf(float(v))) for v in x])


def main():
    mpmath.mp.prec = 100
    # exp: (e^r - 1) / r on [0, ln 2], relative to e^r / r; the constant 1 is added by the last fma
    r = chebyshev(-1e-4, np.log(2) + 1e-4)
    r = r[np.abs(r) > 1e-6]
    fit("exp", r, np.expm1(r) / r, np.exp(r) / np.abs(r), 5, 0, {0: 1.0})
    # log(1 + f) = f - f^2/2 + f^3 P(f) on [sqrt(1/2) - 1, sqrt(2) - 1]
    f = chebyshev(np.sqrt(0.5) - 1, np.sqrt(2) - 1)
    f = f[np.abs(f) > 1e-3]
    g = np.array([float((mpmath.log1p(mpmath.mpf(float(v))) - v + mpmath.mpf(float(v)) ** 2 / 2) / mpmath.mpf(float(v)) ** 3) for v in f])
    for degree in (7, 8):
        fit(f"log {degree}", f, g, np.abs(np.log1p(f) / f**3), degree, 0, {})
    z, g = of_square(mpmath.tanh, 9.0)
    fit("tanh", z, g, g, 4, 4, {0: 1.0})
    # tanh x = x + x^3 P(x^2) up to 0.55
    x = np.maximum(chebyshev(0, 0.5502), 2e-2)
    g = np.array([float((mpmath.tanh(mpmath.mpf(float(v))) - v) / mpmath.mpf(float(v)) ** 3) for v in x])
    fit("tanh, small", x * x, g, np.tanh(x) / x**3, 3, 0, {})
    for p, q in ((5, 5), (6, 4)):
        z, g = of_square(mpmath.erf, 3.95)
        fit(f"erf {p}/{q}", z, g, g, p, q, {})
    # sin r = r + r^3 P(r^2) on [0, pi/2]
    x = np.maximum(chebyshev(0, np.pi / 2 + 1e-3), 1e-2)
    g = np.array([float((mpmath.sin(mpmath.mpf(float(v))) - v) / mpmath.mpf(float(v)) ** 3) for v in x])
    fit("sin", x * x, g, np.sin(x) / x**3, 3, 0, {})
    # pi in three parts whose sum is good to 72 bits
    rest, parts = mpmath.pi + 0, []
    for _ in range(3):
        parts.append(float(np.float32(float(rest))))
        rest -= parts[-1]
    print("pi", ", ".join(f"{v:.9g}f" for v in parts))
    print("ln2", f"{float(np.float32(float(mpmath.log(2)))):.9g}f",
          f"{float(np.float32(float(mpmath.log(2) - float(np.float32(float(mpmath.log(2))))))):.9g}f")


main()
