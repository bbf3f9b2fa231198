"""A tower of dense layers."""

import dataclasses
from collections.abc import Callable

from mtl_keras._arguments import counts, flag, settle
from mtl_keras._registry import public
from mtl_keras.towers._activation import check_activation
from mtl_keras.towers._base import Tower
from mtl_keras.towers._dense import dense_stages
from mtl_keras.towers._regularization import settle_regularization


@public
@dataclasses.dataclass(frozen=True)
class MLP(Tower):
    """Dense layers, one per stage: `"dense1"`, `"dense2"`, and so on.

    Inputs of any rank are flattened. Several named inputs are flattened and concatenated. Integers and
    booleans are cast to floats. The order is dense layer, batch norm, activation, dropout.

    Args:
        units: Width of each layer.
        activation: Name of a Keras activation, or a function.
        dropout: Share of the values dropped after each layer, in [0, 1).
        batch_norm: Whether to normalise before each activation; the dense layers then have no bias.
        l1, l2: Weights of the penalties Σ|w| and Σw² on each kernel of the tower, which are added to the loss. The
            heads have no penalty.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    inputs = features = keras.Input((20,))
    for name, stage in mtl.towers.MLP(units=(64, 32), dropout=0.1).stages().items():
        features = stage(features, f"shared_{name}")
    model = keras.Model(inputs, features)
    ```
    """

    units: tuple[int, ...] = (128, 64)
    activation: str | Callable = "relu"
    dropout: float = 0.0
    batch_norm: bool = False
    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        settle(
            self,
            units=counts("units", self.units, hint="Write `units=(64,)` for a single stage."),
            activation=check_activation(self.activation),
            batch_norm=flag("batch_norm", self.batch_norm),
        )
        settle_regularization(self)

    def stages(self) -> dict[str, Callable]:
        return dense_stages(self.units, self.activation, self.dropout, self.batch_norm, self.l1, self.l2)
