"""Registers public classes for Keras saving and for look-up by string."""

from typing import Any, TypeVar

import keras

Class = TypeVar("Class", bound=type)

_MEMBERS: dict[str, dict[str, type]] = {}  # {family: {look-up string: class}}


def public(cls: Class) -> Class:
    """Registers a class under the name of its file. Its family is the name of its folder.

    `weightings/nash_mtl.py` holds `NashMTL`, found by `get("weightings", "nash_mtl")`. A class with `get_config` is
    also registered with Keras, so saved models can be loaded.

    Args:
        cls: The public class of a file.

    Returns:
        The class itself.
    """
    _, family, *_, name = cls.__module__.split(".")
    _MEMBERS.setdefault(family, {})[name] = cls
    if hasattr(cls, "get_config"):
        keras.saving.register_keras_serializable(package="mtl_keras")(cls)
    return cls


def names(family: str) -> list[str]:
    """Returns the sorted look-up strings of a family."""
    return sorted(_MEMBERS.get(family, {}))


def get(family: str, identifier: Any) -> Any:
    """Returns the member of a family for a look-up string. Anything else is returned unchanged.

    Args:
        family: Name of a subpackage, such as `"towers"`.
        identifier: A look-up string, or an instance.

    Raises:
        ValueError: If no member of the family has this name.
    """
    if not isinstance(identifier, str):
        return identifier
    members = _MEMBERS.get(family, {})
    if identifier not in members:
        raise ValueError(
            f"Unknown name {identifier!r} in mtl_keras.{family}. Expected one of: {', '.join(sorted(members))}."
        )
    return members[identifier]()
