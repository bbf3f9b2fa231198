"""Registers public classes for Keras saving and for look-up by string."""

from typing import Any, TypeVar

import keras

Class = TypeVar("Class", bound=type)

_MEMBERS: dict[str, dict[str, type]] = {}  # {family: {look-up string: class}}


def public(cls: Class) -> Class:
    """Registers a class under its file's name in the family that its folder names.

    `weightings/nash_mtl.py` holds `NashMTL`, found as `get("weightings", "nash_mtl")`. A class with a
    `get_config` is registered with Keras as well, so that a saved model finds it.

    Args:
        cls: The public class of a file of the package.

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
    """Returns a member of a family from its look-up string; anything else is returned as it is.

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
