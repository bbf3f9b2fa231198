"""Base class of the towers of recurrent layers."""

import dataclasses
from collections.abc import Callable
from functools import partial

from keras import layers

from mtl_keras._arguments import count, counts, settle
from mtl_keras.towers._regularization import dropped, penalty, settle_regularization
from mtl_keras.towers._stage import Stage
from mtl_keras.towers._text_tower import TextTower


@dataclasses.dataclass(frozen=True)
class RecurrentTower(TextTower):
    """Token embeddings, then recurrent layers in both directions.

    Abstract. A subclass has `_layer`, a class of Keras, and `_prefix`, the names of its stages before their number.
    """

    units: tuple[int, ...] = (128,)
    embedding_dim: int = 128
    dropout: float = 0.0
    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(
            self,
            units=counts("units", self.units, hint="Write `units=(64,)` for a single stage."),
            embedding_dim=count("embedding_dim", self.embedding_dim),
        )
        settle_regularization(self)

    def stages(self) -> dict[str, Callable]:
        stages = {"embedding": self._front(self.embedding_dim, self.dropout)}
        for i, units in enumerate(self.units, start=1):
            stages[f"{self._prefix}{i}"] = Stage(partial(self._bidirectional, units=units))
        return stages

    def _bidirectional(self, x, name, units):
        """Returns `[B, L, 2 * units]`."""
        cell = self._layer(
            units,
            return_sequences=True,
            kernel_regularizer=penalty(self.l1, self.l2),
            recurrent_regularizer=penalty(self.l1, self.l2),
            name=f"{name}_cell",
        )
        return dropped(layers.Bidirectional(cell, name=f"{name}_both")(x), name, self.dropout)
