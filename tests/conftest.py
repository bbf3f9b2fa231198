"""Fixtures for all tests, and how they train."""

import gc

import keras
import pytest
import tensorflow as tf


def pytest_collection_finish():
    """Garbage collection need not look at the modules' own objects and at thousands of tests again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Models train eagerly, which takes a fifth of the time of tracing a graph, unless the test is marked `graph`."""
    tf.config.run_functions_eagerly(item.get_closest_marker("graph") is None)


@pytest.fixture(autouse=True)
def _seeded():
    """Every test starts from the same seeds and from fresh layer names."""
    keras.utils.set_random_seed(0)
    keras.utils.clear_session(free_memory=False)


@pytest.fixture(autouse=True, scope="module")
def _collected():
    """The graphs of a file's models are gone before the next file; Python alone would keep gigabytes of them.

    What stays is not looked at again, which would take half a second for each file.
    """
    yield
    keras.utils.clear_session(free_memory=False)
    gc.collect()
    gc.freeze()
