"""Turns the tables of `sharing.inspect` into panels whose labels tell tasks, stages and experts apart."""

import re

from mtl_keras.plots._looks import natural

_SUFFIXES = {"alpha": "_stitch", "mask": "_mask", "branch": "_from"}  # endings of the names of the layers


def panels(tables, tasks=None):
    """Returns `{title: {row: {column: number}}}` with readable names, in the order of the tasks.

    The rows of `"alpha"`, `"mask"` and `"branch"` are names of layers, such as `odd_dense1_stitch`. They become one
    panel per stage with one row per task. The means of the masks become one panel with one column per stage, and so do
    the factors with which sluice mixes the stages of a task.

    Args:
        tables: The result of `sharing.inspect`.
        tasks: Names of the tasks in the order of the model, or None if unknown.
    """
    found = {}
    for name, table in tables.items():
        if name not in _SUFFIXES:
            found[name] = _gates(table, tasks)
            continue
        stages = {row: columns for row, columns in table.items() if name == "alpha" and row.endswith("_stages")}
        others = {row: columns for row, columns in table.items() if row not in stages}
        known = tasks or [row.removesuffix("_stages") for row in stages] or None
        split = _branches(others) if name == "branch" else _split(list(others), _SUFFIXES[name], known)
        if name == "mask" and split:
            found[name] = _one_panel(others, split, tasks)
        else:
            found |= _panel_per_stage(name, others, split, tasks)
        if stages:
            names = list(dict.fromkeys(stage for _, stage in split.values()))
            found["stages"] = _stages(stages, names, tasks)
    return {title: table for title, table in found.items() if table}


def _gates(table, tasks):
    """Returns a table of gates, with the experts by owner and number: `is_11` of the task `is_1` is `is_1 expert 1`."""
    streams = [row for row in table if row != "shared"]
    rows = _in_order(streams, tasks, sort=streams == sorted(streams))  # Keras sorts names letter by letter
    rows += [row for row in table if row == "shared"]
    columns = {}
    for column in dict.fromkeys(column for row in table.values() for column in row):
        common = re.fullmatch(r"(shared|expert)(\d+)", column)
        owners = [r for r, row in table.items() if column in row and re.fullmatch(re.escape(r) + r"\d+", column)]
        if common:
            label = f"shared expert {common[2]}" if common[1] == "shared" else f"expert {common[2]}"
            columns[column] = ((-1, int(common[2])), label)
        elif len(owners) == 1:
            number = column[len(owners[0]) :]
            columns[column] = ((rows.index(owners[0]), int(number)), f"{owners[0]} expert {number}")
        else:
            columns[column] = ((len(rows), 0), column)
    order = sorted(columns, key=lambda column: columns[column][0])
    return {row: {columns[c][1]: table[row][c] for c in order if c in table[row]} for row in rows}


def _split(rows, suffix, tasks):
    """Returns `{row: (task, stage)}`, or an empty dict if the names of the layers cannot be split.

    If the tasks are unknown, the names of the stages are as short as possible so that every task has every stage.
    """
    names = {row: row.removesuffix(suffix) for row in rows}
    if tasks is None:
        for num_parts in range(1, max((name.count("_") for name in names.values()), default=0) + 1):
            split = {row: _last_parts(name, num_parts) for row, name in names.items()}
            found = [{parts[i] for parts in split.values()} for i in (0, 1)]
            if "" not in found[0] and len(found[0]) * len(found[1]) == len(set(split.values())) == len(rows):
                return split
        return {}
    split = {}
    for row, name in names.items():
        owners = [task for task in tasks if name == task or name.startswith(f"{task}_")]
        if owners:
            task = max(owners, key=len)
            split[row] = (task, name[len(task) + 1 :])
    return split


def _branches(rows):
    """Returns `{row: (branch, stage)}` of rows such as `branch1_dense2_from`; those of tasks have no stage."""
    found = {row: re.fullmatch(r"branch(\d+)_(.+)_from", row) for row in rows}
    return {row: (f"branch {match[1]}", match[2]) for row, match in found.items() if match}


def _last_parts(name, count):
    """Returns the beginning of a name, and its last `count` words."""
    words = name.split("_")
    return "_".join(words[:-count]), "_".join(words[-count:])


def _one_panel(table, split, tasks):
    """Returns `{task: {stage: number}}` of a table whose rows have one number."""
    found = {}
    for row, (task, stage) in split.items():
        (found.setdefault(task, {})[stage],) = table[row].values()
    return {task: found[task] for task in _in_order(found, tasks, sort=True)}


def _panel_per_stage(name, table, split, tasks):
    """Returns `{title: table}`, one for each stage; rows that cannot be split stay under the name of the table."""
    found = {}
    for row, columns in table.items():
        task, stage = split.get(row, (row.removesuffix(_SUFFIXES[name]), ""))
        found.setdefault(f"{name}, {stage}" if stage else name, {})[task] = _numbered(columns, tasks)
    return {title: {row: t[row] for row in _in_order(t, tasks, sort=True)} for title, t in found.items()}


def _numbered(columns, tasks):
    """Renames columns such as `task1` to the name of the task if it is known, otherwise to `task 1`."""
    labels = [re.sub(r"^(task|branch)(\d+)$", r"\1 \2", column) for column in columns]
    if tasks and len(columns) == len(tasks) and all(label.startswith("task ") for label in labels):
        labels = [tasks[int(label.removeprefix("task ")) - 1] for label in labels]
    return dict(zip(labels, columns.values(), strict=True))


def _stages(table, names, tasks):
    """Returns the table of the factors with which each task mixes its stages."""
    found = {}
    for row, columns in table.items():
        labels = names if len(names) == len(columns) else [f"stage {i}" for i in range(1, len(columns) + 1)]
        found[row.removesuffix("_stages")] = dict(zip(labels, columns.values(), strict=True))
    return {row: found[row] for row in _in_order(found, tasks, sort=True)}


def _in_order(rows, tasks, sort=False):
    """Returns the rows in the order of the tasks, then the other rows, unchanged or sorted by name."""
    order = {task: i for i, task in enumerate(tasks or [])}
    rows = sorted(rows, key=natural) if sort else list(rows)
    return sorted(rows, key=lambda row: order.get(row, len(order)))
