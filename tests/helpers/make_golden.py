"""Makes the golden export of a release. Tests read it with every later TensorFlow.

    python -m tests.helpers.make_golden

Run it from the root of the repository when the content of exports has changed. It writes the next version of
`saved_models/golden/`. In its `assets.extra/` it writes `expected.npz`: the inputs of every signature and the
predictions of the model.
"""

import base64

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

import mtl_keras as mtl

FOLDER = "saved_models/golden"
LABELS = {"digit": [str(i) for i in range(10)], "odd": ["even", "odd"]}


def main():
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images, ink = digits.images.astype("float32"), (digits.images.mean(axis=(1, 2)) - 4.9) / 0.54
    train = mtl.data.from_arrays(
        images[:1500],
        {"digit": digits.target[:1500], "odd": digits.target[:1500] % 2, "ink": ink[:1500]},
        shuffle=True,
        seed=0,
    )
    model = mtl.build_model(
        keras.Input((8, 8), name="image"),
        [
            mtl.Task("digit", mtl.heads.Multiclass(10)),
            mtl.Task("odd", mtl.heads.Binary()),
            mtl.Task("ink", mtl.heads.Regression()),
        ],
        tower=mtl.towers.MLP((32,), dropout=0.1),
        preprocess=keras.layers.Rescaling(1 / 16),
    )
    model.compile("adam")
    model.fit(train, epochs=10, verbose=2)
    folder = mtl.export.saved_model(
        model, FOLDER, signatures=("tasks", "bytes", "examples"), labels=LABELS, top_k=3, warmup=images[:1]
    )

    x = images[1500:1507]
    feature = [tf.train.Feature(float_list=tf.train.FloatList(value=image.ravel())) for image in x]
    examples = [tf.train.Example(features=tf.train.Features(feature={"image": f})).SerializeToString() for f in feature]
    requests = {signature: {"image": x} for signature in ("serving_default", "digit", "odd", "ink", "labels")}
    pngs = [tf.io.encode_png(image[..., None].astype("uint8")).numpy() for image in x]
    # As text, because NumPy removes zeros at the end of bytes.
    requests["serving_bytes"] = {"image_bytes": [base64.b64encode(png) for png in pngs]}
    requests["serving_examples"] = {"examples": [base64.b64encode(example) for example in examples]}
    arrays = {}
    for signature, inputs in requests.items():
        arrays |= {f"{signature}/inputs/{name}": np.array(array) for name, array in inputs.items()}
    # The predictions of the model, and the labels that follow from its probabilities.
    predicted = model.predict(x, verbose=0)
    arrays |= {f"predict/{task}": array for task, array in predicted.items()}
    arrays["predict/digit_label"] = np.array(LABELS["digit"])[predicted["digit"].argmax(axis=1)]
    np.savez_compressed(folder / "assets.extra" / "expected.npz", **arrays)
    print(f"{folder}: digits {arrays['predict/digit_label']}, in truth {digits.target[1500:1507]}")


if __name__ == "__main__":
    main()
