"""A tower of convolutions of several widths over tokens."""

import dataclasses
from collections.abc import Callable

from keras import layers

from mtl_keras._arguments import count, counts, settle
from mtl_keras._registry import public
from mtl_keras.layers import MaxOverPositions
from mtl_keras.towers._activation import check_activation
from mtl_keras.towers._convolutions import masked_conv
from mtl_keras.towers._regularization import dropped, settle_regularization
from mtl_keras.towers._stage import Stage
from mtl_keras.towers._text_tower import TextTower


@public
@dataclasses.dataclass(frozen=True)
class TextCNN(TextTower):
    """Convolutions of several widths side by side, and their maxima: `"embedding"`, `"conv"`, `"pool"`.

    The features are the largest response of each filter to a text, `[B, len(kernel_sizes) * filters]`. The inputs are
    token ids or texts: see `TextTower`, the base class.

    Args:
        filters: Number of filters of each width.
        kernel_sizes: Widths of the filters, in tokens.
        embedding_dim: Width of the token embeddings.
        activation: Name of a Keras activation, or a function.
        dropout: Share of the features that is dropped, in [0, 1).
        l1, l2: Weights of the penalties Σ|w| and Σw² on each kernel of the tower, which are added to the loss. The
            embeddings and the heads have no penalty.
        vocabulary, num_tokens, length, standardize: How texts become token ids: see `TextTower`, the base class.

    Raises:
        ValueError: If an argument is out of range; when a model is built, if its input is not a text.

    Example:

    ```python
    texts = np.array(["show me the flights", "what is the fare"])
    tower = mtl.towers.TextCNN.from_data(texts, filters=4, embedding_dim=8)
    model = mtl.build_model(tower.inputs(), [mtl.Task("intent", mtl.heads.Multiclass(2))], tower=tower)
    model.predict(tf.constant(["the fare, please"]), verbose=0)["intent"].shape  # (1, 2)
    ```

    Reference: Y. Kim, "Convolutional neural networks for sentence classification", EMNLP 2014, the variant whose
    embeddings start at random. Departures: windows are centred on a token, so texts shorter than a filter need no
    special case; penalties instead of a bound on the norm.
    """

    filters: int = 100
    kernel_sizes: tuple[int, ...] = (3, 4, 5)
    embedding_dim: int = 300
    activation: str | Callable = "relu"
    dropout: float = 0.5
    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(
            self,
            filters=count("filters", self.filters),
            kernel_sizes=counts("kernel_sizes", self.kernel_sizes, hint="Write `kernel_sizes=(3,)` for a single one."),
            embedding_dim=count("embedding_dim", self.embedding_dim),
            activation=check_activation(self.activation),
        )
        settle_regularization(self)

    def stages(self) -> dict[str, Callable]:
        return {"embedding": self._front(self.embedding_dim), "conv": Stage(self._convs), "pool": Stage(self._pool)}

    def _convs(self, x, name):
        options = {"activation": self.activation, "l1": self.l1, "l2": self.l2}
        maps = [
            masked_conv(x, f"{name}_{i}", self.filters, size, **options) for i, size in enumerate(self.kernel_sizes, 1)
        ]
        return maps[0] if len(maps) == 1 else layers.Concatenate(name=f"{name}_concatenate")(maps)

    def _pool(self, x, name):
        return dropped(MaxOverPositions(name=f"{name}_max")(x), name, self.dropout)
