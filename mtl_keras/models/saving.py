"""Saves what a multi-task model has in addition to a functional Keras model."""

import errno
import os
import pathlib
import shutil
from collections.abc import Callable
from typing import Any

import keras

from mtl_keras._unfinished import unfinished

RENAMED = {"towers": "tower_layers", "features": "feature_layers"}  # in files of version 0.1


class Saving:
    """The `save`, `save_weights` and `get_config` of a multi-task model, and their counterparts.

    A mix-in, before `keras.Model`. It needs from the model:
        tasks: List of `Task`s.
        tower_layers, feature_layers, frozen, num_epochs: As in `MultiTaskModel`.
        compile_arguments: What `compile` was given, by name.
        build_optimizer(): Builds the optimizer on all variables.
        workers: The `Workers`.
    """

    def save(
        self, filepath: str | os.PathLike, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
    ) -> None:
        """Saves the model as a `.keras` file, which appears whole: an existing file is replaced in one step.

        With several workers, all must call it: the chief writes, and the others wait.

        It holds what `keras.Model.save` writes, the tasks, what `compile` was given, the state of a weighting, and the
        seeds of all layers, so that training continues as if it had not stopped.

        Args:
            filepath: File, ending in `.keras`.
            overwrite, zipped: As in Keras.

        Raises:
            ValueError: If `filepath` ends otherwise, such as in `.h5`.
        """
        is_file = str(filepath).endswith(".keras")
        if not is_file and zipped is not False and not str(filepath).startswith("hf://"):
            stem = os.path.splitext(filepath)[0]
            raise ValueError(
                f"`filepath` must end in `.keras`: only this format stores tasks and heads. Received: "
                f"filepath={str(filepath)!r}. Use `model.save({stem + '.keras'!r})`, "
                f"`model.save_weights({stem + '.weights.h5'!r})` for the weights alone, or "
                "`mtl_keras.export.saved_model` for serving."
            )

        def write(path):
            super(Saving, self).save(path, overwrite=overwrite, zipped=zipped, **kwargs)

        self.workers.by_chief(lambda: _write_whole(filepath, write, overwrite, is_file and zipped is not False))

    def save_weights(
        self, filepath: str | os.PathLike, overwrite: bool = True, max_shard_size: float | None = None
    ) -> None:
        """Saves the weights, with the state of the optimizer and the seeds, as `keras.Model.save_weights` does.

        An existing file is replaced in one step. With several workers, the chief writes, as in `save`.

        Args:
            filepath: File, ending in `.weights.h5`; with `max_shard_size` in `.weights.json`.
            overwrite, max_shard_size: As in Keras.
        """

        def write(path):
            super(Saving, self).save_weights(path, overwrite=overwrite, max_shard_size=max_shard_size)

        is_file = str(filepath).endswith((".weights.h5", ".weights.json"))
        self.workers.by_chief(lambda: _write_whole(filepath, write, overwrite, is_file))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **keras.saving.serialize_keras_object(self._attributes())}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        config, attributes = _split(config)
        model = super().from_config(config, custom_objects=custom_objects)
        for name, value in attributes.items():
            setattr(model, name, keras.saving.deserialize_keras_object(value))
        return model

    def get_compile_config(self) -> dict[str, Any] | None:
        if not self.compiled:
            return None
        # With the attributes, because `keras.models.clone_model` makes a model without them and then compiles it.
        return keras.saving.serialize_keras_object({**self.compile_arguments, **self._attributes()})

    def compile_from_config(self, config: dict[str, Any]) -> None:
        config, attributes = _split(keras.saving.deserialize_keras_object(config))
        for name, value in attributes.items():
            setattr(self, name, value)
        self.compile(**config)
        if self.built:
            self.build_optimizer()

    def _attributes(self):
        named = {name: dict(getattr(self, name)) for name in ("tower_layers", "feature_layers", "frozen")}
        return {"tasks": list(self.tasks), "num_epochs": self.num_epochs, **named}


def _write_whole(filepath: Any, write: Callable[[str], None], overwrite: bool, is_file: bool) -> None:
    """Writes a file next to the one that it replaces, and renames it.

    Args:
        filepath: Path of the file, as the user passed it.
        write: Function that writes the file, and possibly others next to it, to a path of the same name.
        overwrite: Whether an existing file is replaced without asking.
        is_file: Whether `filepath` is a file that Keras can write.
    """
    path = pathlib.Path(os.path.realpath(filepath))  # so that a link stays a link
    asks = path.exists() and not overwrite
    if "://" in str(filepath) or not is_file or path.is_dir() or not path.parent.is_dir() or asks:
        write(filepath)  # Keras raises its own errors, or asks whether to overwrite
        return
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(filepath))
    with unfinished(path.parent) as place:
        place.mkdir()
        write(str(place / path.name))
        if path.exists():
            shutil.copymode(path, place / path.name)
        others = [file for file in place.iterdir() if file.name != path.name]  # shards of the weights
        for file in [*others, place / path.name]:  # the file that names the others comes last
            os.replace(file, path.parent / file.name)


def _split(config):
    """Returns a configuration without the attributes of a multi-task model, and these under their current names."""
    config = {RENAMED.get(name, name): value for name, value in config.items()}
    names = ("tasks", "num_epochs", "tower_layers", "feature_layers", "frozen")
    return config, {name: config.pop(name) for name in names if name in config}
