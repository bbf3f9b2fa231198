"""A tower in the form of the deep pyramid convolutional network."""

import dataclasses
from collections.abc import Callable
from functools import partial

from keras import layers

from mtl_keras._arguments import count, settle
from mtl_keras._registry import public
from mtl_keras.layers import HalveSequence, MaxOverPositions
from mtl_keras.towers._convolutions import masked_conv
from mtl_keras.towers._regularization import dropped, settle_regularization
from mtl_keras.towers._stage import Stage
from mtl_keras.towers._text_tower import TextTower


@public
@dataclasses.dataclass(frozen=True)
class DPCNN(TextTower):
    """Residual blocks of convolutions on ever shorter sequences: `"embedding"`, `"region"`, `"block1"`, ..., `"pool"`.

    `"region"` is a convolution over the token embeddings. A block has two convolutions, each after a ReLU, and a
    shortcut; each block but the first begins by halving the sequence: n tokens become ⌈n / 2⌉, so a block costs half
    as much as the one before. n is the length of the text without padding. The features are the largest value of each
    channel, `[B, filters]`. The inputs are token ids or texts: see `TextTower`, the base class.

    Args:
        filters: Number of channels of every stage.
        num_blocks: Number of blocks; with 7, a text of 64 tokens ends as one position.
        kernel_size: Width of the filters, in tokens.
        embedding_dim: Width of the token embeddings.
        dropout: Share of the features that is dropped, in [0, 1).
        l1, l2: Weights of the penalties Σ|w| and Σw² on each kernel of the tower, which are added to the loss. The
            embeddings and the heads have no penalty.
        vocabulary, num_tokens, length, standardize: How texts become token ids: see `TextTower`, the base class.

    Raises:
        ValueError: If an argument is out of range; when a model is built, if its input is not a text.

    Example:

    ```python
    texts = np.array(["show me the flights", "what is the fare"])
    tower = mtl.towers.DPCNN.from_data(texts, filters=4, num_blocks=2, embedding_dim=8)
    model = mtl.build_model(tower.inputs(), [mtl.Task("intent", mtl.heads.Multiclass(2))], tower=tower)
    model.predict(tf.constant(["the fare, please"]), verbose=0)["intent"].shape  # (1, 2)
    ```

    Reference: R. Johnson, T. Zhang, "Deep pyramid convolutional neural networks for text categorization", ACL 2017.
    Departures: the region embedding is supervised, on token embeddings that start at random; He's initialisation
    instead of a fixed deviation of 0.01.
    """

    filters: int = 250
    num_blocks: int = 7
    kernel_size: int = 3
    embedding_dim: int = 250
    dropout: float = 0.5
    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(
            self,
            filters=count("filters", self.filters),
            num_blocks=count("num_blocks", self.num_blocks),
            kernel_size=count("kernel_size", self.kernel_size),
            embedding_dim=count("embedding_dim", self.embedding_dim),
        )
        settle_regularization(self)

    def stages(self) -> dict[str, Callable]:
        stages = {"embedding": self._front(self.embedding_dim), "region": Stage(self._conv)}
        for i in range(1, self.num_blocks + 1):
            stages[f"block{i}"] = Stage(partial(self._block, halve=i > 1))
        return {**stages, "pool": Stage(self._pool)}

    def _block(self, x, name, halve):
        if halve:
            x = HalveSequence(name=f"{name}_halve")(x)
        y = x
        for i in (1, 2):
            y = layers.Activation("relu", name=f"{name}_{i}_activation")(y)
            y = self._conv(y, f"{name}_{i}")
        return layers.Add(name=f"{name}_add")([x, y])

    def _conv(self, x, name):
        return masked_conv(x, name, self.filters, self.kernel_size, l1=self.l1, l2=self.l2)

    def _pool(self, x, name):
        return dropped(MaxOverPositions(name=f"{name}_max")(x), name, self.dropout)
