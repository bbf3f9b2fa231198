"""Packages that only some parts need."""

import importlib


def need(module, extra, purpose):
    """Returns a module, or raises an ImportError that names the extra of this package that holds it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{purpose} needs the package of the module `{error.name}`. Install it: `pip install mtl_keras[{extra}]`."
        ) from error
