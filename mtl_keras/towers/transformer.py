"""A tower of Transformer encoder layers."""

import dataclasses
from collections.abc import Callable

from keras import layers

from mtl_keras._arguments import choice, count, settle
from mtl_keras._registry import public
from mtl_keras.layers import AddPositions, CopyWithMask
from mtl_keras.towers._activation import check_activation
from mtl_keras.towers._regularization import dropped, penalty, settle_regularization
from mtl_keras.towers._stage import Stage
from mtl_keras.towers._text_tower import TextTower


@public
@dataclasses.dataclass(frozen=True)
class Transformer(TextTower):
    """Token and position embeddings, `"embedding"`, then encoder layers of self-attention: `"layer1"`, `"layer2"`, ...

    The features keep the positions, `[B, L, embedding_dim]`, and have a Keras mask. `heads.Tagging` reads every
    position; other heads read the mean over the tokens. The inputs are token ids or texts: see `TextTower`, the base
    class.

    Args:
        embedding_dim: Width of the embeddings and of every layer; `num_heads` divides it.
        num_layers: Number of layers.
        num_heads: Number of attention heads of each layer.
        units: Width of the hidden layer between two attentions.
        positions: `"sine"`, or `"learned"`.
        max_length: Largest number of tokens in a text, if positions are learned.
        activation: Name of a Keras activation, or a function.
        dropout: Share of the values dropped after the embeddings, in the attention and after each part of a layer, in
            [0, 1).
        l1, l2: Weights of the penalties Σ|w| and Σw² on each kernel of the tower, which are added to the loss. The
            embeddings and the heads have no penalty.
        vocabulary, num_tokens, length, standardize: How texts become token ids: see `TextTower`, the base class.

    Raises:
        ValueError: If an argument is out of range; when a model is built, if its input is not a text.

    Example:

    ```python
    texts = np.array(["show me the flights", "what is the fare"])
    tower = mtl.towers.Transformer.from_data(texts, embedding_dim=8, num_layers=1, num_heads=2, units=16)
    model = mtl.build_model(tower.inputs(), [mtl.Task("intent", mtl.heads.Multiclass(2))], tower=tower)
    model.predict(tf.constant(["the fare, please"]), verbose=0)["intent"].shape  # (1, 2)
    ```

    Reference: A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, Ł. Kaiser, I. Polosukhin,
    "Attention is all you need", NeurIPS 2017: the encoder, with learned positions as an option.
    """

    embedding_dim: int = 128
    num_layers: int = 2
    num_heads: int = 4
    units: int = 512
    positions: str = "sine"
    max_length: int = 512
    activation: str | Callable = "relu"
    dropout: float = 0.1
    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(
            self,
            embedding_dim=count("embedding_dim", self.embedding_dim),
            num_layers=count("num_layers", self.num_layers),
            num_heads=count("num_heads", self.num_heads),
            units=count("units", self.units),
            max_length=count("max_length", self.max_length),
            positions=choice("positions", self.positions, ("sine", "learned")),
            activation=check_activation(self.activation),
        )
        settle_regularization(self)
        if self.embedding_dim % self.num_heads or (self.positions == "sine" and self.embedding_dim % 2):
            raise ValueError(
                "`embedding_dim` must be a multiple of `num_heads`, and even for positions='sine'. Received: "
                f"embedding_dim={self.embedding_dim}, num_heads={self.num_heads}, positions={self.positions!r}."
            )

    def stages(self) -> dict[str, Callable]:
        stages = {"embedding": Stage(self._embedding, front=True)}
        return {**stages, **{f"layer{i}": Stage(self._layer) for i in range(1, self.num_layers + 1)}}

    def _embedding(self, x, name):
        x = self._embedded(x, name, self.embedding_dim)
        scale = self.embedding_dim**0.5
        x = AddPositions(self.positions, self.max_length, scale=scale, name=f"{name}_positions")(x)
        return dropped(x, name, self.dropout)

    def _layer(self, x, name):
        attention = layers.MultiHeadAttention(
            self.num_heads,
            self.embedding_dim // self.num_heads,
            dropout=self.dropout,
            kernel_regularizer=penalty(self.l1, self.l2),
            name=f"{name}_attention",
        )
        query = CopyWithMask(name=f"{name}_query")(x)
        x = self._added(x, attention(query, query), f"{name}_1")
        y = self._dense(x, f"{name}_hidden", self.units)
        y = layers.Activation(self.activation, name=f"{name}_activation")(y)
        return self._added(x, self._dense(y, f"{name}_output", self.embedding_dim), f"{name}_2")

    def _dense(self, x, name, units):
        return layers.Dense(units, kernel_regularizer=penalty(self.l1, self.l2), name=name)(x)

    def _added(self, x, y, name):
        x = layers.Add(name=f"{name}_add")([x, dropped(y, name, self.dropout)])
        return layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")(x)
