"""Reads the sources of pictures: the result of `fit`, the record of a callback, or the CSV file of either."""

import csv
import os


def read_columns(path):
    """Returns the columns of a CSV file as `{name: list}`; a column is numeric if all its entries are numbers."""
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return {name: _numbers(column) for name, column in zip(header, zip(*rows, strict=True), strict=False)}


def rising(steps):
    """Returns the positions of the records in the order of their steps; for a repeated step, only the last record."""
    last = {step: place for place, step in enumerate(steps)}
    return [last[step] for step in sorted(last)]


def is_path(source):
    """Whether a source is the path of a file."""
    return isinstance(source, (str, os.PathLike))


def _numbers(column):
    try:
        return [float(value) for value in column]
    except ValueError:
        return list(column)
