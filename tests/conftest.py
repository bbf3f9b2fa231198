"""Fixtures for all tests."""

import keras
import pytest


@pytest.fixture(autouse=True)
def _seeded():
    """Every test starts from the same seeds and from fresh layer names."""
    keras.utils.set_random_seed(0)
    keras.utils.clear_session(free_memory=False)  # collecting garbage takes 0.2 s
