"""The peak memory of a run."""

import contextlib
import pathlib

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

_STATUS, _RESET = pathlib.Path("/proc/self/status"), pathlib.Path("/proc/self/clear_refs")


def reset_peak() -> None:
    """Resets the peak to the current memory of the process, if the system supports it (Linux)."""
    with contextlib.suppress(OSError):
        _RESET.write_text("5")


def peak_megabytes() -> float | None:
    """Returns the peak memory of the process since `reset_peak`, or since its start; None if unknown."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(_STATUS.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 if resource else None
