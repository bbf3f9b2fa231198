"""Every public signature has types: of each argument, and of what is returned."""

import inspect

import pytest

from tests.doc.test_docstrings import PUBLIC


def _callables(thing):
    """Returns `{name: function}`: a function itself, or the public methods that a class of ours defines."""
    if not inspect.isclass(thing):
        return {thing.__name__: thing} if callable(thing) else {}
    found = {}
    for cls in thing.__mro__:
        if cls.__module__.split(".")[0] == "mtl_keras":
            for name, member in vars(cls).items():
                function = getattr(member, "__func__", getattr(member, "fget", member))  # of class methods, properties
                if inspect.isfunction(function) and (not name.startswith("_") or name in ("__init__", "__call__")):
                    generated = function.__module__ != cls.__module__  # by dataclasses
                    found |= {} if generated else {f"{cls.__name__}.{name}": function}
    return found


FUNCTIONS = {f"{name}: {key}": f for name, thing in PUBLIC.items() for key, f in _callables(thing).items()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_has_types(name):
    function = FUNCTIONS[name]
    signature = inspect.signature(function)
    untyped = [
        p.name
        for p in signature.parameters.values()
        if p.annotation is p.empty and p.name not in ("self", "cls") and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    assert not untyped
    if function.__name__ not in ("__init__", "from_config"):
        assert signature.return_annotation is not signature.empty
