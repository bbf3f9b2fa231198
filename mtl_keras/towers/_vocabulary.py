"""The vocabulary of texts."""

import numpy as np
from keras import layers


def check_vocabulary(vocabulary):
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


def frequent_tokens(texts, standardize, max_tokens, min_count):
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
