"""The verdict in words."""

import math

from mtl_keras.study._statistics import Gain, seeds_needed

_MANY = 4  # candidates that cannot be told apart; from here on, one sentence lists them
_ZERO = 1e-9  # a mean this small, relative to the spread, is rounding


def sentences(gains: dict[str, Gain], baseline: str, comparisons: int) -> list[str]:
    """Returns a sentence on each candidate against the baseline, for one task or for all.

    Args:
        gains: `{candidate: Gain}`, corrected.
        baseline: Name of the baseline.
        comparisons: Number of comparisons in the family of the correction.
    """
    told = [
        f"{name} {gain.told} {interval(gain, of_loss=gain.told == 'loses')}"
        for name, gain in gains.items()
        if gain.told
    ]
    open_ones = {name: gain for name, gain in gains.items() if not gain.told}
    if len(open_ones) < _MANY:
        return told + [_undecided(name, gain, baseline, comparisons) for name, gain in open_ones.items()]
    seeds = max(gain.seeds for gain in open_ones.values())
    names = ", ".join(f"{name} ({_tail(gain, comparisons)})" for name, gain in open_ones.items())
    return [*told, f"cannot be told apart from {baseline} with {seeds} seeds: {names}"]


def interval(gain: Gain, of_loss: bool = False) -> str:
    """Returns a gain as text, "0.6 % [0.2, 1.0]"; for a candidate that loses, the size of the loss."""
    mean, low, high = (-gain.mean, -gain.high, -gain.low) if of_loss else (gain.mean, gain.low, gain.high)
    if math.isnan(low):
        return f"{mean:.2g} %"
    digits = decimals(high - low)
    mean, low, high = (round(value, digits) + 0.0 for value in (mean, low, high))  # avoids -0
    return f"{mean:.{digits}f} % [{low:.{digits}f}, {high:.{digits}f}]"


def decimals(width: float) -> int:
    """Returns the number of decimals to show for an interval of this width; at least one below 20.

    Half the width then has one digit, or two digits if the first is a 1.
    """
    if not width > 0:
        return 1
    digits = -math.floor(math.log10(width / 2))
    digits += width / 2 * 10**digits < 2
    return min(4, max(int(width < 20), digits))


def _undecided(name, gain, baseline, comparisons):
    if gain.seeds < 2:
        why = "one run to compare. Use at least two seeds" if gain.seeds else "no gains to compare"
        return f"{name} cannot be told apart from {baseline}: {why}"
    text = f"{name} cannot be told apart from {baseline} with {gain.seeds} seeds"
    return f"{text} ({interval(gain)}); {_tail(gain, comparisons)}"


def _tail(gain, comparisons):
    if gain.sd == 0 or math.isnan(gain.sd):
        return "no difference" if gain.mean == 0 else "no spread over the seeds, so no interval"
    if abs(gain.mean) < _ZERO * gain.sd:
        return "the mean difference is 0"
    seeds, shown = seeds_needed(gain, comparisons), f"{abs(gain.mean):.2g}"
    if seeds:
        return f"about {seeds} seeds would tell {shown} from 0"
    why = ", as the test rows are too few" if gain.of_rows else ""
    return f"no 1,000 seeds would tell {shown} from 0{why}"
