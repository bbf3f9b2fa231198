"""Base class of the towers for texts: vocabulary, inputs and embedding."""

import dataclasses
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import layers

from mtl_keras._arguments import choice, count, settle
from mtl_keras.layers import FillEmpty
from mtl_keras.towers._base import Tower
from mtl_keras.towers._regularization import dropped
from mtl_keras.towers._stage import Stage
from mtl_keras.towers._streamed import inputs_of, is_dataset
from mtl_keras.towers._vocabulary import check_vocabulary, frequent_tokens

STANDARDIZE = ("lower_and_strip_punctuation", "lower", "strip_punctuation", None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextTower(Tower):
    """A tower that reads token ids, or strings with a vocabulary.

    Abstract. The inputs are token ids `[B, L]`. With a vocabulary, they may be strings `[B]` or `[B, 1]`, which are
    split at white space and looked up inside the model, so an exported model takes raw text. A text without a token
    counts as one unknown token. Padding, id 0, has no effect. `from_data` finds the vocabulary of texts, and `inputs`
    makes the Keras input. All tasks share one copy of the stage `"embedding"`, unless each task has its own tower, as
    with `single_task`.

    The first stage of a subclass begins with `_tokens`, and its output has a Keras mask that leaves out the padding.

    Args:
        vocabulary: Distinct tokens, for strings. Their ids begin at 2; 0 is padding and 1 is unknown tokens.
        num_tokens: Number of ids, if there is no vocabulary; ids are in [0, num_tokens).
        length: Number of tokens that strings are cut or padded to; None: strings are padded to the longest of the
            batch.
        standardize: How strings are cleaned first: `"lower_and_strip_punctuation"`, `"lower"`, `"strip_punctuation"` or
            None. If every token has a label, choose one that removes no token: `"lower"` or None.
    """

    vocabulary: tuple[str, ...] | None = None
    num_tokens: int = 20_000
    length: int | None = None
    standardize: str | None = "lower_and_strip_punctuation"

    def __post_init__(self) -> None:
        settle(
            self,
            vocabulary=None if self.vocabulary is None else check_vocabulary(self.vocabulary),
            num_tokens=count("num_tokens", self.num_tokens),
            length=None if self.length is None else count("length", self.length),
            standardize=choice("standardize", self.standardize, STANDARDIZE),
        )

    @classmethod
    def from_data(
        cls, texts: Any, max_tokens: int | None = None, min_count: int = 1, verbose: int = 1, **arguments: Any
    ) -> "TextTower":
        """Returns the recipe with the vocabulary of texts, the most frequent tokens first.

        Args:
            texts: The training texts: strings [N], or a dataset of batches with this one input, which is read once.
            max_tokens: Largest number of tokens in the vocabulary; None for all.
            min_count: Tokens found less often than this count as unknown tokens. With 1, no training text has an
                unknown token, so the embedding of unknown tokens is not trained.
            verbose: 1 for a progress bar over a dataset, 0 for none.
            **arguments: The other arguments of the class.

        Raises:
            ValueError: If `texts` are not strings, or no token is frequent enough.
        """
        max_tokens = None if max_tokens is None else count("max_tokens", max_tokens)
        min_count = count("min_count", min_count, 0)
        parts = map(_only, inputs_of(texts, verbose)) if is_dataset(texts) else [np.asarray(texts)]
        parts = (_checked(part) for part in parts)
        return cls(vocabulary=frequent_tokens(parts, cls(**arguments).standardize, max_tokens, min_count), **arguments)

    def inputs(self) -> keras.KerasTensor:
        """Returns the Keras input: of texts `[B]` with a vocabulary, else of ids `[B, length]`."""
        if self.vocabulary is not None:
            return keras.Input((), dtype="string", name="text")
        return keras.Input((self.length,), dtype="int32", name="tokens")

    def _num_ids(self):
        """Returns the number of ids: with a vocabulary, its tokens after the padding and the unknown one."""
        return self.num_tokens if self.vocabulary is None else len(self.vocabulary) + 2

    def _tokens(self, x, name):
        """Turns ids or strings into token ids `[B, L]`, with at least one token in each row."""
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
                "`vocabulary` must have the tokens if the input is strings. Received: vocabulary=None. "
                f"Use `{type(self).__name__}.from_data(texts)`, which finds them."
            )
        return layers.TextVectorization(
            vocabulary=list(self.vocabulary),
            standardize=self.standardize,
            output_sequence_length=self.length,
            name=f"{name}_lookup",
        )(x)

    def _front(self, embedding_dim, dropout=0.0):
        """Returns the stage of `_embedded`; all tasks share one copy of it."""
        return Stage(partial(self._embedded, embedding_dim=embedding_dim, dropout=dropout), front=True)

    def _embedded(self, x, name, embedding_dim, dropout=0.0):
        """Returns `[B, L, embedding_dim]` with the mask, of ids or strings."""
        ids = self._tokens(x, name)
        x = layers.Embedding(self._num_ids(), embedding_dim, mask_zero=True, name=f"{name}_table")(ids)
        return dropped(x, name, dropout)


def _only(x):
    """Returns the only input of a batch, [B] or [B, 1], as [B]."""
    parts = list(x.values()) if isinstance(x, dict) else [x]
    if len(parts) != 1:
        raise ValueError(
            f"`texts` must be a dataset with one input. Received: {len(parts)} inputs, {', '.join(x)}. Choose one by "
            "`dataset.map(lambda x, *others: x['text'])`."
        )
    return parts[0].ravel() if parts[0].shape[1:] == (1,) else parts[0]


def _checked(texts):
    """Returns strings [N], or raises a ValueError for anything else."""
    known = texts.dtype.kind in "USO" and all(isinstance(text, str | bytes) for text in texts.flat)
    if texts.ndim != 1 or not known:
        raise ValueError(f"`texts` must be strings [N]. Received: shape {texts.shape}, dtype {texts.dtype}.")
    return texts
