"""What a file of a multi-task model holds beside what Keras saves of a functional model."""

from typing import Any

import keras

RENAMED = {"towers": "tower_layers", "features": "feature_layers"}  # in files of version 0.1


class Saving:
    """The `get_config`, `from_config` and their counterparts for `compile` of a multi-task model.

    A mix-in, before `keras.Model`. It needs from the model:
        tasks: List of `Task`s.
        tower_layers, feature_layers, frozen, num_epochs: As in `MultiTaskModel`.
        compile_arguments: What `compile` was given, by name.
        build_optimizer(): Builds the optimizer on all variables.
    """

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


def _split(config):
    """Returns a configuration without the attributes of a multi-task model, and these by their names of today."""
    config = {RENAMED.get(name, name): value for name, value in config.items()}
    names = ("tasks", "num_epochs", "tower_layers", "feature_layers", "frozen")
    return config, {name: config.pop(name) for name in names if name in config}
