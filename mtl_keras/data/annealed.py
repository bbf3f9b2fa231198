"""Shares of the sources of a mix: by size at first, more even with each epoch."""

import dataclasses

import numpy as np

from mtl_keras._arguments import count, number, settle


@dataclasses.dataclass(frozen=True)
class Annealed:
    """Draws a source of n rows in proportion to n^a, where a falls from `start` to `end` over the epochs.

    a = start - (start - end) · epoch / (epochs - 1), with epochs from 0 on; after the last of them a stays at `end`.
    The small tasks get a larger share at the end of the training, whose updates decide what all of them keep.

    Args:
        epochs: Number of epochs of the training, at least 2.
        start, end: First and last exponent, in [0, 1]: 1 draws all rows with equal probability, 0 all sources.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    strategy = mtl.data.Annealed(epochs=5, end=0.0)
    strategy.shares([900, 100], epoch=0)  # [0.9, 0.1]
    strategy.shares([900, 100], epoch=4)  # [0.5, 0.5]
    ```

    Reference:
        A. C. Stickland, I. Murray, "BERT and PALs: Projected Attention Layers for Efficient Adaptation in Multi-Task
        Learning", 2019, section 4: "annealed sampling", with end = 0.2, as in the multi-task trainer of TensorFlow's
        model garden.
    """

    epochs: int
    start: float = 1.0
    end: float = 0.2

    def __post_init__(self) -> None:
        settle(
            self,
            epochs=count("epochs", self.epochs, at_least=2),
            start=number("start", self.start, at_least=0, at_most=1),
            end=number("end", self.end, at_least=0, at_most=1),
        )

    def shares(self, sizes: list[int], epoch: int) -> np.ndarray:
        """Returns the share of each source in an epoch. The shares sum to 1.

        Args:
            sizes: Number of rows of each source.
            epoch: Number of the epoch, from 0 on.
        """
        done = min(epoch / (self.epochs - 1), 1.0)
        scaled = np.asarray(sizes, float) ** (self.start - (self.start - self.end) * done)
        return scaled / scaled.sum()
