"""Fixtures for all tests."""

import gc

import keras
import pytest
import tensorflow as tf  # noqa: F401  (so that its objects are frozen, too)

gc.collect()
gc.freeze()  # the modules' own objects, which collecting garbage need not look at again and again


@pytest.fixture(autouse=True)
def _seeded():
    """Every test starts from the same seeds and from fresh layer names."""
    keras.utils.set_random_seed(0)
    keras.utils.clear_session(free_memory=False)


@pytest.fixture(autouse=True, scope="module")
def _collected():
    """The graphs of a file's models are gone before the next file; Python alone would keep gigabytes of them."""
    yield
    gc.collect()
