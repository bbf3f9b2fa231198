"""Which weightings reach the Pareto set of a hard problem of two tasks? `python benchmarks/toy_problem.py`.

The toy problem of CAGrad (Liu et al., 2021) in the form of Nash-MTL and FAMO: two variables, two losses of very
different size with a narrow valley, five starts, Adam. The figure is the distance to the Pareto set at the end.
"""

import argparse

import keras
import numpy as np
import tensorflow as tf

import mtl_keras as mtl

STARTS = [(-8.5, 7.5), (0.0, 0.0), (9.0, 9.0), (-7.5, -0.5), (9.0, -1.0)]
SCALE = 0.1  # of the first loss
METHODS = {
    "equal": mtl.weightings.Equal,
    "mgda": mtl.weightings.MGDA,
    "pcgrad": mtl.weightings.PCGrad,
    "cagrad": lambda: mtl.weightings.CAGrad(c=0.5),
    "imtl_g": mtl.weightings.IMTLG,
    "nash_mtl": mtl.weightings.NashMTL,
    "famo": lambda: mtl.weightings.FAMO(decay=0, min_losses=(-21 * SCALE, -21)),
    "upgrad": mtl.weightings.UPGrad,
    "aligned_mtl": mtl.weightings.AlignedMTL,
}


def toy_losses(x):
    """Returns the two losses at a point x [2]."""
    x1, x2 = x[0], x[1]
    h1 = tf.math.log(tf.maximum(tf.abs((-x1 - 7) / 2 - tf.tanh(-x2)), 5e-6)) + 6
    h2 = tf.math.log(tf.maximum(tf.abs((-x1 + 3) / 2 + tf.tanh(-x2) + 2), 5e-6)) + 6
    q1 = ((-x1 + 7) ** 2 + 0.1 * (-x2 - 8) ** 2) / 10 - 20
    q2 = ((-x1 - 7) ** 2 + 0.1 * (-x2 - 8) ** 2) / 10 - 20
    c1, c2 = tf.maximum(tf.tanh(x2 / 2), 0), tf.maximum(tf.tanh(-x2 / 2), 0)
    return tf.stack([SCALE * (h1 * c1 + q1 * c2), h2 * c1 + q2 * c2])


def pareto_set(points=2001):
    """Returns points of the Pareto set [points, 2]: the minima of weighted sums of the losses.

    For x2 < 0, the sum with weights w and 1 - w (without the scale) is stationary in x1 at x1 = 14w - 7. The rest,
    ((49 - x1²) / 10 + (x2 + 8)² / 100 - 20) · tanh(-x2 / 2), has one minimum near x2 = -8.4, found by bisection.
    """
    x1 = np.linspace(-7.0, 7.0, points)
    low, high = np.full(points, -10.0), np.full(points, -7.0)
    for _ in range(60):
        x2 = (low + high) / 2
        sum_of_q = (49 - x1**2) / 10 + (x2 + 8) ** 2 / 100 - 20
        slope = (x2 + 8) / 50 * np.tanh(-x2 / 2) - sum_of_q / (2 * np.cosh(x2 / 2) ** 2)
        low, high = np.where(slope < 0, x2, low), np.where(slope < 0, high, x2)
    return np.stack([x1, x2], axis=1)


def distance(x):
    """Returns the distance of a point to the Pareto set."""
    return float(np.linalg.norm(pareto_set() - np.asarray(x), axis=1).min())


def train(weighting, start, steps, chunk=1000, learning_rate=1e-3):
    """Returns the point [2] that a weighting reaches from a start after `steps` steps, a multiple of `chunk`."""
    keras.utils.set_random_seed(0)
    x = keras.Variable(start, dtype="float32")
    optimizer = keras.optimizers.Adam(learning_rate, epsilon=1e-8)
    optimizer.build([x])
    weighting.build(2)
    present = tf.ones(2)

    def step():
        with tf.GradientTape(persistent=True) as tape:
            losses = toy_losses(x.value)
            parts = [weighting(losses, present)] if weighting.reads == "losses" else tf.unstack(losses)
        rows = tf.stack([tape.gradient(part, x.value) for part in parts])
        if weighting.reads == "losses":
            gradient = rows[0]
        else:
            weights = weighting(tf.matmul(rows, rows, transpose_b=True), losses, present)
            gradient = tf.linalg.matvec(rows, weights, transpose_a=True)
        optimizer.apply([gradient], [x])
        if weighting.reads == "losses" and weighting.reads_losses_after_step:
            weighting.after_step(losses, toy_losses(x.value), present)

    def count(done):
        step()
        return done + 1

    @tf.function(jit_compile=True, autograph=False)  # XLA makes a fast loop of such small operations
    def run():
        tf.while_loop(lambda done: done < chunk, count, [0])

    for _ in range(steps // chunk):
        run()
    return x.numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--steps", type=int, default=100_000)
    arguments = parser.parse_args()
    print(f"{'method':14s}" + "".join(f"{f'({a:g}, {b:g})':>14s}" for a, b in STARTS))
    for name in arguments.methods:
        ends = [train(METHODS[name](), start, arguments.steps) for start in STARTS]
        print(f"{name:14s}" + "".join(f"{distance(end):14.3f}" for end in ends), flush=True)


if __name__ == "__main__":
    main()
