"""Optional packages, which only some parts need."""

import importlib
import types


def need(module: str, extra: str, purpose: str) -> types.ModuleType:
    """Imports and returns a module, or raises an ImportError that names the extra to install."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{purpose} needs the package of the module `{error.name}`. Install it: `pip install mtl_keras[{extra}]`."
        ) from error
