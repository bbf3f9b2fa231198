"""Shares of the sources of a mix: by size, evened out by a temperature."""

import dataclasses

import numpy as np

from mtl_keras._arguments import count, number, settle


@dataclasses.dataclass(frozen=True)
class Temperature:
    """Draws a source of n rows in proportion to min(n, limit)^(1 / temperature).

    1 is the same as `"proportional"`: all rows have equal probability. Higher temperatures draw the rows of small
    sources more often. At infinity all sources have the same share, as with `"uniform"`.

    Args:
        temperature: At least 1.
        limit: Sources with more rows than this count as having this many; None for no limit.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    mtl.data.Temperature(2.0).shares([900, 100], epoch=0)  # [0.75, 0.25]
    ```

    Reference:
        C. Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", 2020,
        section 3.5.2: "temperature-scaled mixing". mT5 (L. Xue et al., 2021) gives the exponent 1 / temperature, 0.3.
    """

    temperature: float
    limit: int | None = None

    def __post_init__(self) -> None:
        settle(self, temperature=number("temperature", self.temperature, at_least=1))
        if self.limit is not None:
            settle(self, limit=count("limit", self.limit))

    def shares(self, sizes: list[int], epoch: int) -> np.ndarray:
        """Returns the share of each source. The shares sum to 1.

        Args:
            sizes: Number of rows of each source.
            epoch: Not used: the shares are the same in all epochs.
        """
        counted = np.asarray(sizes, float) if self.limit is None else np.minimum(sizes, self.limit)
        scaled = counted ** (1 / self.temperature)
        return scaled / scaled.sum()
