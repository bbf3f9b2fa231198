"""ESMM: probabilities along a chain of events, each trained on all rows."""

import dataclasses
from collections.abc import Callable
from typing import Any

from mtl_keras._registry import public
from mtl_keras._types import Tensor, Tensors
from mtl_keras.sharing._base import Sharing
from mtl_keras.sharing._chain import check_binary, product


@public
@dataclasses.dataclass(frozen=True)
class ESMM(Sharing):
    """One tower for a chain of events, such as click and conversion; an output is the probability of all so far.

    The tasks are binary, in the order of the events. The head of task t gives p(t | all before). Its output is
    p_t = Π_{i≤t} p(i | all before i): for click and conversion, pCTR and pCTCVR = pCTR · pCVR. The label of a task is
    1 if its event and all before happened, and 0 otherwise. So every row trains every task, and pCVR is learned over
    the entire space, not only over the clicked rows. The product is computed from logits to a logit, from which Keras
    computes the loss: it is exact for probabilities near 0 and 1.

    The conditional probability of a task is the sigmoid of its layer `<task>_linear`, as in the example. With
    `split_after`, each task has its own copy of the rest of the tower, like the two networks above shared embeddings
    in the paper.

    Args:
        split_after: Last stage that all tasks share, by name or number; None for all.
        groups: Lists of names of tasks; the tasks of a list share a tower.

    Raises:
        ValueError: When the model is built, if a task is not binary.

    Example:

    ```python
    tasks = [mtl.Task("click", mtl.heads.Binary()), mtl.Task("conversion", mtl.heads.Binary())]
    model = mtl.build_model((20,), tasks, sharing="esmm")
    cvr = keras.layers.Activation("sigmoid")(model.get_layer("conversion_linear").output)
    with_cvr = keras.Model(model.input, {**model.output, "cvr": cvr})
    with_cvr.predict(np.zeros((1, 20)), verbose=0)  # click, conversion = click · cvr, and cvr
    ```

    Reference: X. Ma, L. Zhao, G. Huang, Z. Wang, Z. Hu, X. Zhu, K. Gai, "Entire Space Multi-Task Model: An Effective
    Approach for Estimating Post-Click Conversion Rate", SIGIR 2018. Departure: any number of tasks.
    """

    def share(self, x: Tensors, stages: dict[str, Callable], names: list[str]) -> dict[str, Tensor]:
        return self._one_tower(x, stages, names)

    def outputs(self, features: dict[str, Tensor], tasks: list[Any]) -> dict[str, Tensor]:
        check_binary(tasks, 'sharing="esmm"')
        outputs, chain = {}, None
        for task in tasks:
            logits = task.head.logits(task.head.represent(features[task.name], task.name), task.name)
            chain = product(chain, logits, task.name)
            outputs[task.name] = task.head.activate(chain, task.name)
        return outputs
