"""CR-MOGM: a moving average of another method's weights."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import get, public
from mtl_keras._types import Tensor
from mtl_keras.weightings._base import GramianWeighting, keep_absent

_FAR = 1e3


@public
class EMA(GramianWeighting):
    """Smooths the weights of another Gramian weighting by a moving average over the batches.

    v <- decay·v + (1 - decay)·w, where w are the weights of the inner method. Noise in the weights keeps
    stochastic multi-gradient methods from converging; the average reduces it. It starts at the first weight of a
    task. It starts again if it is a thousand times larger than all weights of a batch, because a gradient close
    to 0 may have had a huge weight.

    Scale: that of the inner method. The average of an absent task does not change. Guarantees of the inner method,
    such as a direction without conflict, hold for w, not for the average. `decay=0` is the inner method.

    Args:
        weighting: The inner method: a look-up string, or an instance that reads the Gramian.
        decay: Share of the old average that is kept in a step, in [0, 1).

    Raises:
        ValueError: If `weighting` does not read the Gramian, or `decay` is out of range.

    Example:

    ```python
    ema = mtl.weightings.EMA(weighting="mgda", decay=0.9)
    ema.build(2)
    ema(np.array([[18.0, -22.0], [-22.0, 38.0]]), losses=np.ones(2), present=np.ones(2))  # [0.6, 0.4]
    print(ema(np.eye(2), losses=np.ones(2), present=np.ones(2)))  # [0.59, 0.41]
    ```

    Reference:
        Shiji Zhou, Wenpeng Zhang, Jiyan Jiang, Wenliang Zhong, Jinjie Gu and Wenwu Zhu, "On the Convergence
        of Stochastic Multi-Objective Gradient Manipulation and Beyond", 2022.
    """

    def __init__(
        self, *, weighting: str | GramianWeighting = "mgda", decay: float = 0.9, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        weighting = get("weightings", weighting)
        if getattr(weighting, "reads", None) != "gramian":
            raise ValueError(
                f"`weighting` must read the Gramian. Received: weighting={weighting!r}. "
                'Use weighting="mgda", for example.'
            )
        self.weighting = weighting
        self.lowest_losses = weighting.lowest_losses
        self.apply_to = weighting.apply_to
        self.decay = number("decay", decay, at_least=0, below=1, hint="Use decay=0 for no average.")

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        self.weighting.task_names = self.task_names
        self.weighting.build(num_tasks)
        self.needs = self.weighting.needs
        self.averages = self.add_state("averages", (num_tasks,))
        self.seen = self.add_state("seen", (num_tasks,))

    def call(self, gramian: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        weights = self.weighting(gramian, losses, present)  # [T]
        averages = self.decay * self.averages + (1.0 - self.decay) * weights
        near = ops.abs(self.averages) <= _FAR * ops.max(ops.abs(weights))
        averages = ops.where(ops.logical_and(self.seen > 0, near), averages, weights)
        self.averages.assign(keep_absent(averages, self.averages, present))
        self.seen.assign(keep_absent(present, self.seen, present))
        return present * averages

    def own_weights(self, weights: Tensor, losses: Tensor) -> Tensor:
        return self.weighting.own_weights(weights, losses)

    def get_config(self) -> dict[str, Any]:
        weighting = keras.saving.serialize_keras_object(self.weighting)
        return {**super().get_config(), "weighting": weighting, "decay": self.decay}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "EMA":
        weighting = keras.saving.deserialize_keras_object(config["weighting"])
        return cls(**{**config, "weighting": weighting})
