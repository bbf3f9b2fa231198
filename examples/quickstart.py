"""Three tasks on scikit-learn's bundled digits: train, evaluate, save, export, and predict with the export.

    python examples/quickstart.py

Each image (8x8 pixels from 0 to 16) has three labels: which digit it shows, whether the digit is odd, and its ink, the
standardized mean of its pixels. All three tasks share one tower of dense layers.
"""

import _common
import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import mtl_keras as mtl

TASKS = [
    mtl.Task("digit", mtl.heads.Multiclass(10)),
    mtl.Task("odd", mtl.heads.Binary()),
    mtl.Task("ink", mtl.heads.Regression(), weight=0.5),
]


def load(smoke):
    """Returns (images, labels) for training, and (images, labels) for evaluation."""
    digits = load_digits()
    images = digits.images.astype("float32")
    rows = np.arange(200 if smoke else len(images))
    parts = []
    for part in train_test_split(rows, test_size=0.2, random_state=0, stratify=digits.target[rows]):
        ink = (images[part].mean(axis=(1, 2)) - 4.9) / 0.54  # standardized
        labels = {"digit": digits.target[part], "odd": digits.target[part] % 2, "ink": ink}
        parts.append((images[part], labels))
    return parts


def main():
    arguments = _common.parser(__doc__, epochs=20).parse_args()
    keras.utils.set_random_seed(arguments.seed)
    (x_train, y_train), (x_test, y_test) = load(arguments.smoke)
    train = mtl.data.from_arrays(x_train, y_train, batch_size=32, shuffle=True, seed=arguments.seed)
    test = mtl.data.from_arrays(x_test, y_test, batch_size=256)

    model = mtl.build_model(
        inputs=keras.Input((8, 8), name="image"),
        tasks=TASKS,
        tower="mlp",
        sharing="hard",
        preprocess=keras.layers.Rescaling(1 / 16),
    )
    model.summary()
    model.compile("adam")
    history = model.fit(train, validation_data=test, epochs=_common.epochs(arguments))
    if arguments.plot:
        mtl.plots.history(history, arguments.plot)
    result = model.evaluate(test, return_dict=True, verbose=0)

    folder = mtl.export.saved_model(model, "saved_models/digits")  # writes the next free version
    model.save("saved_models/digits.keras")
    print(f"\nSaved saved_models/digits.keras, to train on, and {folder}, to serve.")

    served = tf.saved_model.load(folder).signatures["serving_default"]
    answer = served(image=tf.constant(x_test))
    own = model.predict(x_test, verbose=0)
    difference = max(np.max(np.abs(own[task] - answer[task])) for task in own)
    print(f"The export predicts for the first three images: digits {np.argmax(answer['digit'][:3], axis=1)}, ", end="")
    print(f"P(odd) {np.round(answer['odd'][:3, 0], 2)}. It differs from the model by {difference:.1g} at most.")
    _common.print_table({"hard sharing": result}, model.task_names)


if __name__ == "__main__":
    main()
