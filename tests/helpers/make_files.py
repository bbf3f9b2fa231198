"""Writes `.keras` files with the installed version of mtl_keras. Tests check that later versions can read them.

    python -m tests.helpers.make_files tests/files/0.1

Each file is a small trained model. Its predictions and logs for the inputs are stored next to it.
"""

import pathlib
import sys

import keras
import numpy as np

import mtl_keras as mtl

SHAPE = (6,)


def data():
    """Returns inputs and labels, with one label missing."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, *SHAPE)).astype("float32")
    y = {"kind": np.arange(12) % 3, "odd": np.arange(12) % 2, "size": rng.normal(size=12).astype("float32")}
    y["odd"][0] = -1
    return mtl.data.from_arrays(x, y, batch_size=6)


def tasks():
    return [
        mtl.Task("kind", mtl.heads.Multiclass(3, hidden=(4,)), class_weight={1: 2.0}),
        mtl.Task("odd", mtl.heads.Binary(), weight=0.5),
        mtl.Task("size", mtl.heads.Gaussian()),
    ]


def models():
    """Returns `{name of the file: compiled model}`."""

    def model(sharing, tower=(5, 4), optimizer="adam", **arguments):
        made = mtl.build_model(SHAPE, tasks(), tower=mtl.towers.MLP(tower, batch_norm=True), sharing=sharing)
        made.compile(optimizer, **arguments)
        return made

    frozen = model("hard", weighting="uncertainty")
    frozen.freeze("odd")
    return {
        "hard": model("hard", loss_weights={"odd": 2.0}, metrics={"kind": ["accuracy"]}),
        "gradnorm": model("hard", weighting="gradnorm", every=2),
        "soft_famo": model("soft", weighting="famo"),
        "mmoe_features": model(mtl.sharing.MMoE(num_experts=2), weighting="mgda", level="features"),
        "frozen": frozen,
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    for name, model in models().items():
        model.fit(data(), epochs=2, verbose=0)
        model.save(folder / f"{name}.keras")
        results = model.evaluate(data(), return_dict=True, verbose=0)
        outputs = model.predict(data(), verbose=0)
        again = model.fit(data(), initial_epoch=2, epochs=3, verbose=0).history
        np.savez(
            folder / f"{name}.npz",
            **{f"evaluate/{key}": value for key, value in results.items()},
            **{f"predict/{key}": value for key, value in outputs.items()},
            **{f"fit/{key}": value[0] for key, value in again.items()},
        )


if __name__ == "__main__":
    main()
