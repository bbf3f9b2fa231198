"""Three tasks on scikit-learn's digits: train, export, serve, and request one task, labels, or all tasks.

    python examples/export_and_serve.py

The server is `export.serve`, which implements the protocol of TensorFlow Serving in Python. The same calls work with
`tensorflow_model_server`. Each task has its own tower on a shared first layer, so a request for one task saves the work
for the others. Needs the extra `serving`.
"""

import functools
import time

import _common
import grpc
import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

import mtl_keras as mtl

LABELS = {"digit": [str(i) for i in range(10)], "odd": ["even", "odd"]}


def load(smoke):
    """Returns (images, labels) for training, and (images, labels) for evaluation."""
    digits = load_digits()
    images, ink = digits.images.astype("float32"), (digits.images.mean(axis=(1, 2)) - 4.9) / 0.54
    labels = {"digit": digits.target, "odd": digits.target % 2, "ink": ink}
    rows = np.random.default_rng(0).permutation(len(images))[: 200 if smoke else None]
    parts = np.split(rows, [int(0.8 * len(rows))])
    return [(images[part], {task: y[part] for task, y in labels.items()}) for part in parts]


def seconds(function, rounds):
    """Returns the median time of a call."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return np.median(times)


def main():
    arguments = _common.parser(__doc__, epochs=10).parse_args()
    keras.utils.set_random_seed(arguments.seed)
    (x_train, y_train), (x_test, y_test) = load(arguments.smoke)
    model = mtl.build_model(
        inputs=keras.Input((8, 8), name="image"),
        tasks=[
            mtl.Task("digit", mtl.heads.Multiclass(10)),
            mtl.Task("odd", mtl.heads.Binary()),
            mtl.Task("ink", mtl.heads.Regression(), weight=0.5),
        ],
        tower=mtl.towers.MLP((64, 512, 512)),
        sharing=mtl.sharing.SingleTask(split_after="dense1"),
        preprocess=keras.layers.Rescaling(1 / 16),
    )
    model.compile("adam")
    train = mtl.data.from_arrays(x_train, y_train, batch_size=32, shuffle=True, seed=arguments.seed)
    test = mtl.data.from_arrays(x_test, y_test, batch_size=256)
    history = model.fit(train, validation_data=test, epochs=_common.epochs(arguments), verbose=2)
    if arguments.plot:
        mtl.plots.history(history, arguments.plot)
    result = model.evaluate(test, return_dict=True, verbose=0)

    path = "saved_models/served_digits"
    folder = mtl.export.saved_model(
        model, path, signatures=("tasks", "bytes"), labels=LABELS, warmup=x_train[:1], metrics=result, keep=3
    )
    differences = mtl.export.check(model, folder, x_test)
    worst = max(difference for by_task in differences.values() for difference in by_task.values())
    print(f"\n{folder} differs from the model by {worst:.1g} at most.")
    print("To serve it with TensorFlow Serving:", mtl.export.serving_config({"digits": path}, "saved_models/serving"))

    with mtl.export.serve({"digits": path}) as address, grpc.insecure_channel(address) as channel:
        answer = mtl.export.request(channel, "digits", {"image": x_test[:5]}, "labels")
        pairs = zip(answer["digit_label"].astype(str), answer["odd_label"].astype(str), strict=True)
        print("The server says of five images:", *(f"{digit} is {odd}," for digit, odd in pairs), end=" ")
        png = tf.io.encode_png(x_test[0][..., None].astype("uint8")).numpy()
        answer = mtl.export.request(channel, "digits", {"image_bytes": [png]}, "serving_bytes")
        print(f"and of the first as a PNG: digit {answer['digit'][0].argmax()}, ink {answer['ink'][0, 0]:.2f}")
        for rows in (1, 64):
            x = {"image": np.resize(x_test, (rows, 8, 8))}
            calls = {"all tasks": "serving_default", "digit": "digit", "ink": "ink"}
            rounds = 5 if arguments.smoke else 200
            times = {
                what: seconds(functools.partial(mtl.export.request, channel, "digits", x, signature), rounds)
                for what, signature in calls.items()
            }
            print(f"{rows} images a call:", ", ".join(f"{what} {1e3 * t:.2f} ms" for what, t in times.items()))
    _common.print_table({"served": result}, model.task_names)


if __name__ == "__main__":
    main()
