"""A tower of convolutions over tokens and attention over positions."""

import dataclasses
from collections.abc import Callable
from functools import partial

from mtl_keras._arguments import count, counts, settle
from mtl_keras._registry import public
from mtl_keras.layers import AttentionPooling
from mtl_keras.towers._activation import check_activation
from mtl_keras.towers._convolutions import masked_conv
from mtl_keras.towers._regularization import dropped, penalty, settle_regularization
from mtl_keras.towers._stage import Stage
from mtl_keras.towers._text_tower import TextTower


@public
@dataclasses.dataclass(frozen=True)
class CNNAttention(TextTower):
    """Convolutions over tokens, then a trained mean of their outputs: `"embedding"`, `"conv1"`, ..., `"attention"`.

    The features are `[B, filters of the last convolution]`. The inputs are token ids or texts: see `TextTower`, the
    base class.

    Args:
        filters: Number of filters of each convolution.
        kernel_size: Width of the filters, in tokens.
        units: Width of the hidden layer of the attention.
        embedding_dim: Width of the token embeddings.
        activation: Name of a Keras activation, or a function.
        dropout: Share of the values dropped after the embeddings and each stage, in [0, 1).
        l1, l2: Weights of the penalties Σ|w| and Σw² on each kernel of the tower, which are added to the loss. The
            embeddings and the heads have no penalty.
        vocabulary, num_tokens, length, standardize: How texts become token ids: see `TextTower`, the base class.

    Raises:
        ValueError: If an argument is out of range; when a model is built, if its input is not a text.

    Example:

    ```python
    texts = np.array(["show me the flights", "what is the fare"])
    tower = mtl.towers.CNNAttention.from_data(texts, filters=(8,), units=4, embedding_dim=8)
    model = mtl.build_model(tower.inputs(), [mtl.Task("intent", mtl.heads.Multiclass(2))], tower=tower)
    model.predict(tf.constant(["the fare, please"]), verbose=0)["intent"].shape  # (1, 2)
    ```

    Reference: the attention of Z. Yang, D. Yang, C. Dyer, X. He, A. Smola, E. Hovy, "Hierarchical attention networks
    for document classification", NAACL 2016. Departure: it follows convolutions instead of recurrent layers.
    """

    filters: tuple[int, ...] = (128, 128)
    kernel_size: int = 3
    units: int = 128
    embedding_dim: int = 128
    activation: str | Callable = "relu"
    dropout: float = 0.0
    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(
            self,
            filters=counts("filters", self.filters, hint="Write `filters=(64,)` for a single stage."),
            kernel_size=count("kernel_size", self.kernel_size),
            units=count("units", self.units),
            embedding_dim=count("embedding_dim", self.embedding_dim),
            activation=check_activation(self.activation),
        )
        settle_regularization(self)

    def stages(self) -> dict[str, Callable]:
        stages = {"embedding": self._front(self.embedding_dim, self.dropout)}
        for i, filters in enumerate(self.filters, start=1):
            stages[f"conv{i}"] = Stage(partial(self._conv, filters=filters))
        return {**stages, "attention": Stage(self._attention)}

    def _conv(self, x, name, filters):
        x = masked_conv(x, name, filters, self.kernel_size, self.activation, self.l1, self.l2)
        return dropped(x, name, self.dropout)

    def _attention(self, x, name):
        x = AttentionPooling(self.units, kernel_regularizer=penalty(self.l1, self.l2), name=f"{name}_pool")(x)
        return dropped(x, name, self.dropout)
