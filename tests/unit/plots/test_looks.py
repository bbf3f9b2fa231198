"""The colours and markers of the tasks."""

import matplotlib.colors
import pytest

from mtl_keras.plots._looks import task_looks


@pytest.mark.parametrize("num_tasks", [1, 10, 20, 60])
def test_every_task_has_a_look_of_its_own(num_tasks):
    looks = task_looks(f"t{i}" for i in range(num_tasks))
    assert len(set(looks.values())) == num_tasks


def test_a_look_depends_on_the_set_of_tasks_alone():
    assert task_looks(["t10", "b", "t2"]) == task_looks(["b", "t2", "t10", "b"])


def test_numbers_in_names_count():
    looks = task_looks(f"t{i}" for i in range(20))
    assert {marker for task, (_, marker) in looks.items() if int(task[1:]) < 10} == {"o"}


def test_colours_are_dark_enough_for_a_white_page():
    for colour, _ in task_looks(f"t{i}" for i in range(10)).values():
        linear = [((c + 0.055) / 1.055) ** 2.4 if c > 0.04 else c / 12.92 for c in matplotlib.colors.to_rgb(colour)]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert 1.05 / (luminance + 0.05) > 2.2  # the contrast of WCAG
