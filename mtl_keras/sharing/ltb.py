"""Learning to branch: a tree of stages, found in training."""

import dataclasses
from collections.abc import Callable

from mtl_keras._arguments import count, number, settle
from mtl_keras._registry import public
from mtl_keras._types import Tensor, Tensors
from mtl_keras.layers import Branching
from mtl_keras.sharing._base import Sharing


@public
@dataclasses.dataclass(frozen=True)
class LTB(Sharing):
    """Several branches at every stage; each branch learns which branch of the previous stage to read.

    The input of branch j at stage l is Σ_i d_ij · x_i^{l−1} over the branches i of the previous stage. The features
    of a task are such a sum over the branches of the last stage. In training, d_j is a relaxed one-hot sample of
    trained logits (Gumbel-softmax) at a falling temperature; otherwise it is their argmax: see `layers.Branching`. The
    trained model is a tree, and has branches that nothing reads. `sharing.prune(model)` returns the tree alone.

    Args:
        num_branches: Number of branches at every stage, at least 1; None for one per task.
        temperature: Temperature of the samples at the start, above 0.
        min_temperature: Temperature at the end, above 0.
        anneal_steps: Number of training steps to reach it, at least 1. Set it to about the length of the training.
        seed: Seed of the samples, at least 0; None for a new one each time.
        split_after: Last stage that all tasks share, by name or number.
        groups: Lists of names of tasks; the tasks of a list choose a branch together.

    Raises:
        ValueError: If a number is out of range.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks, sharing=mtl.sharing.LTB(num_branches=3, anneal_steps=500))
    tree = mtl.sharing.prune(model)  # after training
    ```

    Reference: P. Guo, C.-Y. Lee, D. Ulbricht, "Learning to Branch for Multi-Task Learning", ICML 2020. Departures: the
    same number of branches at every stage (those of the first stage all read the input); the temperature falls
    geometrically; the logits train with everything else, from the first step on.
    """

    num_branches: int | None = None
    temperature: float = 5.0
    min_temperature: float = 0.1
    anneal_steps: int = 10_000
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_branches is not None:
            settle(self, num_branches=count("num_branches", self.num_branches, hint="Use None for one per task."))
        if self.seed is not None:
            settle(self, seed=count("seed", self.seed, 0))
        settle(
            self,
            temperature=number("temperature", self.temperature, above=0),
            min_temperature=number("min_temperature", self.min_temperature, above=0),
            anneal_steps=count("anneal_steps", self.anneal_steps),
        )

    def share(self, x: Tensors, stages: dict[str, Callable], names: list[str]) -> dict[str, Tensor]:
        branches = [f"branch{k}" for k in range(1, (self.num_branches or len(names)) + 1)]
        streams = dict.fromkeys(branches, x)
        number = 0  # number of a choice, so that each has its own seed
        for depth, (stage, apply) in enumerate(stages.items()):
            if depth > 0:
                chosen = {}
                for branch in branches:
                    chosen[branch], number = self._chosen(streams, f"{branch}_{stage}_from", number)
                streams = chosen
            streams = {branch: apply(stream, f"{branch}_{stage}") for branch, stream in streams.items()}
        features = {}
        for name in names:
            features[name], number = self._chosen(streams, f"{name}_from", number)
        return features

    def _chosen(self, streams, name, number):
        """Returns the choice among the streams, and the number of the next choice."""
        if len(streams) == 1:
            return next(iter(streams.values())), number
        return self._choice(name, number)(list(streams.values())), number + 1

    def _choice(self, name, number):
        seed = None if self.seed is None else self.seed + number
        return Branching(self.temperature, self.min_temperature, self.anneal_steps, seed, name=name)
