"""Leaves out messages of TensorFlow that would mislead a user."""

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def unlogged(text: str) -> Iterator[None]:
    """Within this context, TensorFlow does not log messages that contain a text."""

    def is_other(record):
        return text not in record.getMessage()

    logger = logging.getLogger("tensorflow")
    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)
