"""Freezes parts of a model for some epochs."""

from collections.abc import Sequence
from typing import Any

import keras

from mtl_keras._arguments import count
from mtl_keras._registry import public


@public
class Freeze(keras.callbacks.Callback):
    """Freezes parts of a model between two epochs: training in two stages within one `fit`.

    The frozen variables, their optimizer slots and batch-norm statistics do not change by a single bit.
    `Freeze("shared", start=3)` trains everything for three epochs, then only the heads, on the frozen shared part.
    `Freeze("shared", stop=3)` first trains new heads on a given tower, then everything. After `fit`, the parts are
    trainable again. The training step is traced again at both epochs. Without a callback, `model.freeze("shared")` and
    `model.unfreeze()` between two `fit`s do the same.

    Args:
        parts: `"shared"` for what two or more tasks use; the name of a task for what only this task uses; the name of a
            stage of the tower for all its copies; or a list of these.
        start: First epoch in which they are frozen, counted from 0.
        stop: First epoch in which they are trained again; None for never.

    Raises:
        ValueError: If there are no parts, or the epochs are not in order; when training begins, if the model has no
            `freeze`, or `model.freeze` raises an error.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks)
    model.compile("adam")
    y = {"digit": np.arange(10), "odd": np.arange(10) % 2}
    model.fit(np.ones((10, 8, 8)), y, epochs=3, callbacks=[mtl.callbacks.Freeze("shared", start=2)], verbose=0)
    ```
    """

    def __init__(self, parts: str | Sequence[str], start: int = 0, stop: int | None = None) -> None:
        super().__init__()
        self.parts = [parts] if isinstance(parts, str) else list(parts)
        if not self.parts:
            raise ValueError('`parts` must name a part, such as "shared". Received: none.')
        self.start = count("start", start, at_least=0)
        if stop is not None:
            stop = count("stop", stop, self.start + 1, hint="`stop` comes after `start`. Use stop=None for never.")
        self.stop = stop

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        if not hasattr(model, "freeze"):
            raise ValueError(f"`Freeze` needs a mtl_keras.MultiTaskModel. Received: {type(model).__name__}.")
        model.add_ending(self._unfreeze)  # not in `on_train_end`, because Keras does not call it after an error

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        due = self.start <= epoch and (self.stop is None or epoch < self.stop)
        if due and set(self.parts) <= set(self.model.frozen):
            return
        if due:
            self.model.freeze(*self.parts)
        elif not self._unfreeze():
            return
        self.model.make_train_function()  # `fit` already has one, traced before

    def _unfreeze(self):
        """Unfreezes the parts, and returns whether any was frozen."""
        frozen = [part for part in self.parts if part in self.model.frozen]
        if frozen:
            self.model.unfreeze(*frozen)
        return bool(frozen)
