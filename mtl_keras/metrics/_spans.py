"""The spans that a sequence of tags describes."""

import itertools

from keras import ops

from mtl_keras._arguments import choice

SCHEMES = {  # scheme: the prefixes that tags other than O can have
    None: "BIES",
    "IOB1": "BI",
    "IOB2": "BI",
    "IOBES": "BIES",
}
OUTSIDE = ("O", "")


class SpanRules:
    """Rules for spans from two neighbouring tags, as tables over all pairs.

    Args:
        tags: Names of the tags, "O", "B-x" and so on.
        scheme: `"IOB1"`, `"IOB2"`, `"IOBES"`; or None for the lenient rules, under which every tag is part of a span.

    Raises:
        ValueError: If the scheme is unknown, or a tag does not belong to it.
    """

    def __init__(self, tags, scheme):
        choice("scheme", scheme, SCHEMES)
        parsed = [_parse(tag, SCHEMES[scheme]) for tag in tags] + [OUTSIDE]
        types = sorted({kind for _, kind in parsed})
        self.size = len(parsed)
        self.types = [types.index(kind) for _, kind in parsed]  # [K + 1], the last for what lies outside
        rules = _lenient if scheme is None else STRICT[scheme]
        pairs = [rules(*before, *tag) for before, tag in itertools.product(parsed, parsed)]
        self.starts, self.continues, self.ends = ([row[i] for row in pairs] for i in range(3))  # [(K + 1)²] each

    def spans(self, tags):
        """Returns which positions begin a span, the end of the span (excluded), and its type; all [B, L + 1].

        Args:
            tags: Indices of the tags, [B, L].
        """
        outside = ops.full_like(tags[:, :1], self.size - 1)
        tags = ops.concatenate([outside, tags, outside], axis=1)
        pairs = tags[:, :-1] * self.size + tags[:, 1:]  # [B, L + 1]
        starts, continues, ends = (
            ops.take(ops.convert_to_tensor(table, "bool"), pairs) for table in (self.starts, self.continues, self.ends)
        )
        # A tag that can begin or continue a span continues it if the tag before began one.
        begun = ops.concatenate([ops.zeros_like(starts[:, :1]), starts[:, :-1]], axis=1)
        starts = ops.logical_and(starts, ops.logical_not(ops.logical_and(continues, begun)))
        breaks = ops.logical_or(starts, ops.logical_not(continues))
        # The end of a span is the next break: of the sorted positions of all breaks, the one after those so far.
        last = ops.shape(tags)[1] - 2
        places = ops.where(breaks, ops.arange(ops.shape(breaks)[1], dtype="int32"), last)
        places = ops.concatenate([ops.sort(places, axis=1), ops.full_like(tags[:, :1], last)], axis=1)
        until = ops.take_along_axis(places, ops.cumsum(ops.cast(breaks, "int32"), axis=1), axis=1)
        starts = ops.logical_and(starts, ops.take_along_axis(ends, until, axis=1))
        return starts, until, ops.take(ops.convert_to_tensor(self.types, "int32"), tags[:, 1:])


def _parse(tag, prefixes):
    """Returns the prefix and the type of a tag."""
    if tag == "O":
        return OUTSIDE
    prefix, dash, kind = tag.partition("-") if isinstance(tag, str) else ("", "", "")
    if prefix not in tuple(prefixes) or not dash or not kind:
        raise ValueError(
            f"`tags` must be 'O' or begin with one of {[f'{p}-' for p in prefixes]} under this scheme. "
            f"Received: {tag!r}."
        )
    return prefix, kind


# Each returns, for a tag and the one before it: whether a span begins here, whether a span continues here, and,
# if it does not continue, whether the tag before may be its last one.


def _lenient(before, before_kind, tag, kind):
    """Like the script conlleval: prefixes separate spans of one type, and no tag is invalid."""
    inside = tag != "O"
    starts = inside and (kind != before_kind or tag in "BS" or before in "ES")
    return starts, inside and not starts, True


def _iob1(before, before_kind, tag, kind):
    same = kind == before_kind
    starts = (tag == "I" and (before in "OB" or not same)) or (tag == "B" and before in "IB" and same)
    return starts, tag == "I" and same, before == "I" or not (tag == "B" and not same)


def _iob2(before, before_kind, tag, kind):
    return tag == "B", tag == "I" and kind == before_kind, True


def _iobes(before, before_kind, tag, kind):
    return tag in "BS", tag in "IE" and before in "BI" and kind == before_kind, before in "ES"


STRICT = {"IOB1": _iob1, "IOB2": _iob2, "IOBES": _iobes}
