"""AITM: each task uses features of the task before it, selected by attention."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras

from mtl_keras._arguments import flag, number, settle
from mtl_keras._registry import public
from mtl_keras._types import Tensor, Tensors
from mtl_keras.layers import AttentiveTransfer, Calibration
from mtl_keras.sharing._base import Sharing
from mtl_keras.sharing._chain import check_binary


@public
@dataclasses.dataclass(frozen=True)
class AITM(Sharing):
    """One tower for a chain of tasks, and an adaptive transfer from each task to the next.

    q_t are the features of task t from the tower. z_1 = q_1, and z_t is a mixture, by attention, of q_t and
    p_t = ReLU(W_t · z_{t−1} + b_t): see `layers.AttentiveTransfer`. All transfers share its matrices Q, K and V; if
    there are several transfers, these are in the layer "shared_transfer". z_t enters the head. The order is that of
    the tasks, or of the groups. Without transfer this is `hard`. With `split_after`, each task has its own copy of the
    rest of the tower, like the towers above shared embeddings in the paper.

    Args:
        transfer: Whether there is a transfer.
        calibration: Weight of the penalty mean max(p_t − p_{t−1}, 0) on the probabilities of consecutive tasks, for
            binary tasks only; 0.6 in the paper, 0 for none. Under a weighting, the head of a task becomes a shared
            part, because the penalty of the next task reads it.
        split_after: Last stage that all tasks share, by name or number; None for all.
        groups: Lists of names of tasks; the tasks of a list share a tower and a z.

    Raises:
        ValueError: If an argument is out of range; when the model is built, if `calibration` is not 0 and a task is
            not binary.

    Example:

    ```python
    tasks = [mtl.Task("click", mtl.heads.Binary()), mtl.Task("conversion", mtl.heads.Binary())]
    model = mtl.build_model((20,), tasks, sharing=mtl.sharing.AITM(calibration=0.6))
    model.get_layer("conversion_transfer").value.shape  # (64, 64)
    ```

    Reference: D. Xi, Z. Chen, P. Yan, Y. Zhang, Y. Zhu, F. Zhuang, Y. Chen, "Modeling the Sequential Dependence among
    Audience Multi-step Conversions with Multi-task Learning in Targeted Display Advertising", KDD 2021. Departures:
    features of any rank, with attention at each position; the penalty is a mean over the batch, not a sum.
    """

    transfer: bool = True
    calibration: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(
            self,
            transfer=flag("transfer", self.transfer),
            calibration=number("calibration", self.calibration, at_least=0, hint="Use 0.0 for none."),
        )

    def share(self, x: Tensors, stages: dict[str, Callable], names: list[str]) -> dict[str, Tensor]:
        features = self._one_tower(x, stages, names)
        if not self.transfer:
            return features
        z = features[names[0]]
        transferred = {names[0]: z}
        transfer = AttentiveTransfer(name="shared_transfer" if len(names) > 2 else f"{names[-1]}_transfer")
        for name in names[1:]:
            p = keras.layers.Dense(z.shape[-1], activation="relu", name=f"{name}_info")(z)
            z = transfer([p, features[name]])
            transferred[name] = z
        return transferred

    def outputs(self, features: dict[str, Tensor], tasks: list[Any]) -> dict[str, Tensor]:
        if not self.calibration:
            return super().outputs(features, tasks)
        check_binary(tasks, "`calibration`")
        outputs, before = {}, None
        for task in tasks:
            logits = task.head.logits(task.head.represent(features[task.name], task.name), task.name)
            later = logits
            if before is not None:
                layer = Calibration(self.calibration, dtype="float32", name=f"{task.name}_calibration")
                later = layer([logits, before])
            outputs[task.name] = task.head.activate(later, task.name)
            before = logits
        return outputs
