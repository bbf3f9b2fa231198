"""What the towers for texts have in common: how tokens come in, and the layers that keep their mask."""

import dataclasses
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import layers

from mtl_keras._arguments import choice, count, settle
from mtl_keras.layers import FillEmpty, MaskedConv1D
from mtl_keras.towers._base import Tower
from mtl_keras.towers._parts import dropped, penalty
from mtl_keras.towers._stage import Stage

STANDARDIZE = ("lower_and_strip_punctuation", "lower", "strip_punctuation", None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextTower(Tower):
    """A tower that reads token ids, or strings with a vocabulary.

    Abstract. `_tokens` is the beginning of its first stage, whose output has a Keras mask that leaves out the padding.
    """

    vocabulary: tuple[str, ...] | None = None
    num_tokens: int = 20_000
    length: int | None = None
    standardize: str | None = "lower_and_strip_punctuation"

    def __post_init__(self) -> None:
        settle(
            self,
            vocabulary=None if self.vocabulary is None else _checked(self.vocabulary),
            num_tokens=count("num_tokens", self.num_tokens),
            length=None if self.length is None else count("length", self.length),
            standardize=choice("standardize", self.standardize, STANDARDIZE),
        )

    @classmethod
    def from_data(cls, texts: Any, max_tokens: int | None = None, min_count: int = 1, **arguments: Any) -> "TextTower":
        """Returns the recipe with the vocabulary of texts, the most frequent tokens first.

        Args:
            texts: Strings [N]: the training texts.
            max_tokens: How many tokens the vocabulary has at most; None for all.
            min_count: A token found less often than this is left to the embedding of unknown tokens. With 1, no
                training text has an unknown token, and their embedding stays as it was initialised.
            **arguments: The other arguments of the class.

        Raises:
            ValueError: If `texts` are no strings, or no token is frequent enough.
        """
        max_tokens = None if max_tokens is None else count("max_tokens", max_tokens)
        min_count = count("min_count", min_count, 0)
        texts = np.asarray(texts)
        if texts.ndim != 1 or texts.dtype.kind not in "USO":
            raise ValueError(f"`texts` must be strings [N]. Received: shape {texts.shape}, dtype {texts.dtype}.")
        return cls(vocabulary=_frequent(texts, cls(**arguments).standardize, max_tokens, min_count), **arguments)

    def inputs(self) -> keras.KerasTensor:
        """Returns the Keras input: of texts `[B]` with a vocabulary, else of ids `[B, length]`."""
        if self.vocabulary is not None:
            return keras.Input((), dtype="string", name="text")
        return keras.Input((self.length,), dtype="int32", name="tokens")

    def _num_ids(self):
        """Returns the number of ids: with a vocabulary, its tokens after the padding and the unknown one."""
        return self.num_tokens if self.vocabulary is None else len(self.vocabulary) + 2

    def _tokens(self, x, name):
        """Returns token ids `[B, L]`, each row with one at least, of ids or strings."""
        if isinstance(x, dict):
            if len(x) != 1:
                raise ValueError(
                    f"`inputs` of a text tower must be one text. Received: {len(x)} inputs, {', '.join(x)}. "
                    "Join them in the data pipeline, or use a `keras.Model` with these inputs as the tower."
                )
            (x,) = x.values()
        if x.dtype == "string":
            x = self._looked_up(x, name)
        elif "int" not in x.dtype or len(x.shape) != 2:
            raise ValueError(
                "`inputs` of a text tower must be token ids [length] of an integer dtype, or strings. Received: "
                f'{list(x.shape[1:])} of {x.dtype}. Use `inputs=keras.Input((None,), dtype="int32")`, or '
                "`inputs=tower.inputs()`."
            )
        return FillEmpty(name=f"{name}_fill")(x)

    def _looked_up(self, x, name):
        if self.vocabulary is None:
            raise ValueError(
                "`vocabulary` must have the tokens of inputs that are strings. Received: vocabulary=None. "
                f"Use `{type(self).__name__}.from_data(texts)`, which finds them."
            )
        return layers.TextVectorization(
            vocabulary=list(self.vocabulary),
            standardize=self.standardize,
            output_sequence_length=self.length,
            name=f"{name}_lookup",
        )(x)

    def _front(self, embedding_dim, dropout=0.0):
        """Returns the stage of `_embedded`, one copy of which serves all tasks."""
        return Stage(partial(self._embedded, embedding_dim=embedding_dim, dropout=dropout), front=True)

    def _embedded(self, x, name, embedding_dim, dropout=0.0):
        """Returns `[B, L, embedding_dim]` with the mask, of ids or strings."""
        ids = self._tokens(x, name)
        x = layers.Embedding(self._num_ids(), embedding_dim, mask_zero=True, name=f"{name}_table")(ids)
        return dropped(x, name, dropout)


def conv(x, name, filters, kernel_size, activation=None, l1=0.0, l2=0.0):
    """Returns the sequence after a convolution that sees no padding."""
    return MaskedConv1D(
        filters,
        kernel_size,
        activation=activation,
        kernel_initializer="he_normal",
        kernel_regularizer=penalty(l1, l2),
        name=f"{name}_conv",
    )(x)


def _checked(vocabulary):
    """Returns a vocabulary as a tuple, without Keras' special tokens at its front, or raises a ValueError."""
    tokens = () if isinstance(vocabulary, str) else tuple(vocabulary)
    tokens = tokens[2:] if tokens[:2] == ("", "[UNK]") else tokens
    if not tokens or not all(isinstance(token, str) and token for token in tokens) or len(set(tokens)) < len(tokens):
        shown = repr(vocabulary)
        raise ValueError(
            "`vocabulary` must be distinct strings that are not empty. "
            f"Received: vocabulary={shown if len(shown) < 200 else shown[:200] + '...'}."
        )
    return tuple(str(token) for token in tokens)


def _frequent(texts, standardize, max_tokens, min_count):
    """Returns the tokens of texts, the most frequent ones first."""
    lookup = layers.TextVectorization(standardize=standardize)
    lookup.adapt(texts)
    tokens = lookup.get_vocabulary(include_special_tokens=False)
    counts = np.zeros(len(tokens) + 2, "int64")
    for start in range(0, len(texts), 1024):
        ids = np.asarray(lookup(texts[start : start + 1024]))
        counts += np.bincount(ids.ravel(), minlength=len(counts))
    often = [token for token, count in zip(tokens, counts[2:], strict=True) if count >= min_count][:max_tokens]
    if not often:
        raise ValueError(
            f"`min_count` and `max_tokens` must leave a token. Received: min_count={min_count}, "
            f"max_tokens={max_tokens}, and the most frequent token is found {counts[2:].max(initial=0)} times."
        )
    return tuple(str(token) for token in often)
