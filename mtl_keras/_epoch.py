"""The epoch that `fit` is in, for whatever depends on it."""

current = None  # an int while `MultiTaskModel.fit` runs
