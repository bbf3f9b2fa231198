"""Sluice networks: learn which subspaces to share and which layers to use."""

import dataclasses
from collections.abc import Callable

import keras

from mtl_keras._arguments import count, number, settle
from mtl_keras._registry import public
from mtl_keras._types import Tensor, Tensors
from mtl_keras.layers import CrossStitch, MatchPositions, SubspaceStitch
from mtl_keras.sharing._base import Sharing
from mtl_keras.sharing._towers import mixed_towers


@public
@dataclasses.dataclass(frozen=True)
class Sluice(Sharing):
    """One tower per task, trained mixtures of subspaces of their features, and a mixture of all stages at the end.

    After every stage, the channels of each tower are split into subspaces G_t1, ..., G_tS. Each subspace of a task
    becomes a trained mixture α of the subspaces of all tasks. The features of a task are Σ_l β_tl · x_t^l over the
    mixed stages. The penalty orthogonality · Σ ‖G_trᵀ·G_ts / N‖² keeps the subspaces of a task different.

    Args:
        num_subspaces: Number of subspaces S, at least 1. It must divide the number of channels of every stage.
        own: Start value of α for the subspace itself, and of β for the last stage, in [0, 1]; the others share 1 − own
            equally.
        orthogonality: Weight of the penalty, at least 0.
        split_after: Last stage that all tasks share, by name or number.
        groups: Lists of names of tasks; the tasks of a list share a tower.

    Raises:
        ValueError: If an argument is out of range; when the model is built, if `num_subspaces` does not divide the
            number of channels of a stage.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks, sharing=mtl.sharing.Sluice(orthogonality=0.1))
    model.get_layer("odd_dense1_stitch").alpha.shape  # (2, 4): the subspaces of two towers
    ```

    Reference: S. Ruder, J. Bingel, I. Augenstein, A. Søgaard, "Latent Multi-task Architecture Learning", AAAI 2019.
    Departures: the stages of any tower; before the β-mixture, earlier stages are averaged to the positions of the last
    stage (`layers.MatchPositions`) and, if their widths differ, projected to its width. The penalty is on the features,
    and a mean over rows.
    """

    num_subspaces: int = 2
    own: float = 0.9
    orthogonality: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(
            self,
            num_subspaces=count("num_subspaces", self.num_subspaces),
            own=number("own", self.own, at_least=0, at_most=1, hint="Use 1.0 for tasks that start apart."),
            orthogonality=number("orthogonality", self.orthogonality, at_least=0, hint="Use 0.0 for none."),
        )

    def share(self, x: Tensors, stages: dict[str, Callable], names: list[str]) -> dict[str, Tensor]:
        mixed = []  # outputs of every stage and task, in the order of the calls

        def mix(streams, index, name):
            unit = SubspaceStitch(index, self.own, self.num_subspaces, self.orthogonality, name=f"{name}_stitch")
            mixed.append(unit(streams))
            return mixed[-1]

        features = mixed_towers(x, stages, names, mix)
        if len(names) == 1 or len(stages) == 1:
            return features
        return {name: self._over_stages(mixed[i :: len(names)], list(stages), name) for i, name in enumerate(names)}

    def _over_stages(self, tensors, stages, name):
        """Returns the β-mixture of a task's stages."""
        last, parts = tensors[-1], []
        for stage, x in zip(stages, tensors, strict=True):
            if x is not last and (x.shape[1:-1] != last.shape[1:-1] or None in x.shape[1:-1]):
                x = MatchPositions(name=f"{name}_{stage}_match")([x, last])
            if x.shape[-1] != last.shape[-1]:
                x = keras.layers.Dense(last.shape[-1], use_bias=False, name=f"{name}_{stage}_project")(x)
            parts.append(x)
        unit = CrossStitch(len(parts) - 1, self.own, per_channel=False, name=f"{name}_stages")
        return unit(parts)
