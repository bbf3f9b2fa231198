"""A tower from an existing Keras model or layer."""

import dataclasses
from collections.abc import Callable

import keras

from mtl_keras._arguments import flag, settle
from mtl_keras.towers._base import Tower


@dataclasses.dataclass(frozen=True)
class Existing(Tower):
    """Any Keras model or layer, as one stage `"model"`.

    The first copy of the stage is the object itself, with its weights. A pre-trained model is used and
    trained as it is; set `trainable = False` on it to freeze it. If a sharing scheme needs more copies, such
    as one tower per task, they are made from its configuration. They have new random weights, each with its
    own seeds (a fixed `seed` in the configuration is dropped), or the weights of the object.

    Args:
        model: A `keras.Model` or `keras.layers.Layer`. If there are several inputs, it must accept
            `{name: tensor}`.
        copy_weights: Whether the other copies begin with the weights of `model`.

    Raises:
        ValueError: If `model` is neither a Keras model nor a layer, or if a copy is needed and it has no
            working `get_config`.

    Example:

    ```python
    backbone = keras.applications.MobileNetV2(
        input_shape=(32, 32, 3), alpha=0.35, weights=None, include_top=False, pooling="avg"
    )
    tower = mtl.towers.Existing(backbone)
    features = tower.stages()["model"](keras.Input((32, 32, 3)), "shared_model")
    ```
    """

    model: keras.layers.Layer
    copy_weights: bool = False

    def __post_init__(self) -> None:
        settle(self, copy_weights=flag("copy_weights", self.copy_weights))
        if not isinstance(self.model, keras.layers.Layer):
            raise ValueError(
                "`model` must be a keras.Model or a keras.layers.Layer. "
                f"Received: model={self.model!r}. Call the class first if it is one."
            )

    def stages(self) -> dict[str, Callable]:
        applied = []  # not empty once the object itself is used

        def stage(x, name):
            layer = _fresh_copy(self.model, name) if applied else self.model
            features = _only_output(layer(_only_input(x) if _takes_one_tensor(layer) else x), layer)
            if applied and self.copy_weights:
                layer.set_weights(self.model.get_weights())
            applied.append(name)
            return features

        return {"model": stage}


def _takes_one_tensor(layer):
    return not isinstance(layer, keras.Model) or isinstance(layer, keras.Sequential)


def _only_input(x):
    return next(iter(x.values())) if isinstance(x, dict) and len(x) == 1 else x


def _only_output(features, layer):
    if isinstance(features, (dict, list, tuple)):
        names = list(features) if isinstance(features, dict) else f"{len(features)} tensors"
        raise ValueError(
            f"`model` must return one tensor, the features. Received: {layer.name!r}, which returns {names}. "
            "Use `keras.Model(model.inputs, tensor)` with one of them, or join them with a `keras.layers.Concatenate`."
        )
    return features


def _fresh_copy(model, name):
    try:
        config = {**_without_seeds(model.get_config()), "name": name}
        return type(model).from_config(config)
    except Exception as error:
        raise ValueError(
            f"`model` must have a working `get_config` to be copied as {name!r}. "
            f"Received: model={model!r}, which failed with {type(error).__name__}. "
            "Return all arguments from `get_config` and register custom classes with "
            '`keras.saving.register_keras_serializable`, or use `sharing="hard"`, which needs no copy.'
        ) from error


def _without_seeds(config):
    """Returns a configuration in which every fixed seed is None."""
    if isinstance(config, dict):
        return {k: None if _is_seed(k, v) else _without_seeds(v) for k, v in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_without_seeds(value) for value in config)
    return config


def _is_seed(key, value):
    return key == "seed" and (isinstance(value, int) or (isinstance(value, dict) and "class_name" in value))
