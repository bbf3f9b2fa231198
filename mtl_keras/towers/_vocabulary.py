"""The vocabulary of texts."""

import collections
import string

import numpy as np

_PUNCTUATION = string.punctuation.encode()


def check_vocabulary(vocabulary):
    """Returns a vocabulary as a tuple, without the special tokens of Keras at its start, or raises a ValueError."""
    tokens = () if isinstance(vocabulary, str) else tuple(vocabulary)
    tokens = tokens[2:] if tokens[:2] == ("", "[UNK]") else tokens
    if not tokens or not all(isinstance(token, str) and token for token in tokens) or len(set(tokens)) < len(tokens):
        shown = repr(vocabulary)
        raise ValueError(
            "`vocabulary` must be distinct strings that are not empty. "
            f"Received: vocabulary={shown if len(shown) < 200 else shown[:200] + '...'}."
        )
    return tuple(str(token) for token in tokens)


def frequent_tokens(texts, standardize, max_tokens, min_count):
    """Returns the tokens of texts, the most frequent ones first, as `keras.layers.TextVectorization` finds them.

    Args:
        texts: Any number of arrays of strings.
        standardize: As in `TextTower`.
        max_tokens: Largest number of tokens; None for all.
        min_count: How often a token must be found.
    """
    counts = collections.Counter()
    for part in texts:
        counts.update(b"\n".join(_standardized(text, standardize) for text in np.ravel(part).tolist()).split())
    del counts[b"[UNK]"]
    ordered = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
    often = [token for token in ordered if counts[token] >= min_count][:max_tokens]
    if not often:
        raise ValueError(
            f"`min_count` and `max_tokens` must leave a token. Received: min_count={min_count}, "
            f"max_tokens={max_tokens}, and the most frequent token is found {max(counts.values(), default=0)} times."
        )
    return tuple(token.decode() for token in often)


def _standardized(text, standardize):
    """Returns a text as bytes, standardized as in Keras: only ASCII characters change."""
    text = text.encode() if isinstance(text, str) else text
    text = text.translate(None, _PUNCTUATION) if standardize and "strip" in standardize else text
    return text.lower() if standardize and "lower" in standardize else text
