"""The rules of the package's layout, checked on its source."""

import ast
import importlib
import pathlib
import subprocess
import sys

import pytest

import mtl_keras as mtl

PACKAGE = pathlib.Path(mtl.__file__).parent
MODULES = {  # name relative to the package, "heads.binary": syntax tree
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): ast.parse(path.read_text())
    for path in sorted(PACKAGE.rglob("*.py"))
}
FAMILIES = sorted({name.split(".")[0] for name in MODULES if "." in name})

EVERYWHERE = {"_arguments", "_frames", "_types", "_weights"}  # what every part may import
MAY_IMPORT = {  # part of the package: the other parts that it may import
    "_arguments": set(),
    "_backend": set(),
    "_frames": set(),
    "_types": set(),
    "_version": set(),
    "_weights": set(),
    "_unfinished": set(),
    "_unlogged": set(),
    "_launch": set(),
    "_extras": set(),
    "_registry": set(),
    "linalg": set(),
    "layers": {"linalg", "_registry"},
    "losses": {"linalg", "_registry"},
    "metrics": {"linalg", "_registry"},
    "weightings": {"linalg", "_registry"},
    "towers": {"layers", "_registry", "_extras"},
    "sharing": {"engine", "layers", "_registry"},
    "heads": {"layers", "losses", "metrics", "_registry"},
    "task": {"heads"},
    "engine": {"linalg"},
    "models": {
        "_registry",
        "_unfinished",
        "data",
        "engine",
        "heads",
        "layers",
        "losses",
        "metrics",
        "sharing",
        "task",
        "towers",
        "weightings",
    },
    "data": {"task", "_extras", "_unfinished"},
    "callbacks": {"linalg", "models", "_registry", "_unfinished"},  # `models`: the state of a run, that `Backup` keeps
    "ensembles": {"data", "engine", "heads", "layers", "linalg", "models", "task"},
    "export": {"engine", "_version", "_extras", "_unfinished", "_unlogged"},
    "plots": set(),
    "relatedness": {"_extras", "callbacks", "data", "models", "plots", "study"},
    "study": {"_extras", "_unfinished", "_unlogged", "_version", "callbacks", "data", "engine", "models", "plots"},
    "optimizers": {"engine"},
}
FAMILIES_OF_MEMBERS = [  # one file a member, which know nothing of each other
    "callbacks",
    "ensembles",
    "export",
    "heads",
    "layers",
    "losses",
    "metrics",
    "plots",
    "sharing",
    "towers",
    "weightings",
]
EXCEPTIONS = {("towers.get", "towers.existing")}  # what makes a layer a tower


def _imports(tree):
    """Returns the full names of the modules that a module imports, and of what it takes from them."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def _own_imports(name):
    """Returns the modules of the package that a module imports, relative to the package."""
    own = [full.split(".", 1)[1] for full in _imports(MODULES[name]) if full.startswith("mtl_keras.")]
    return [part if part in MODULES else part.rpartition(".")[0] for part in own]


def _part(name):
    return name.split(".")[0]


def _defines(name):
    """Returns the class definitions of a module."""
    return [node for node in MODULES[name].body if isinstance(node, ast.ClassDef)]


def _public_classes(name):
    return [c.name for c in _defines(name) if any(getattr(d, "id", None) == "public" for d in c.decorator_list)]


def test_every_part_has_a_rule():
    assert {_part(name) for name in MODULES} - {"__init__", "__main__"} <= set(MAY_IMPORT)


@pytest.mark.parametrize("name", [name for name in MODULES if name not in ("__init__", "__main__")])
def test_imports_only_what_its_part_may(name):
    part = _part(name)
    wrong = {other for other in map(_part, _own_imports(name)) if other not in MAY_IMPORT[part] | EVERYWHERE | {part}}
    assert not wrong, f"mtl_keras/{name.replace('.', '/')}.py imports {sorted(wrong)}"


@pytest.mark.parametrize("family", FAMILIES_OF_MEMBERS)
def test_members_of_a_family_do_not_import_each_other(family):
    wrong = []
    for name in MODULES:
        if _part(name) == family and not name.endswith("__init__"):
            others = [o for o in _own_imports(name) if _part(o) == family and not o.split(".")[-1].startswith("_")]
            wrong += [(name, other) for other in others if (name, other) not in EXCEPTIONS]
    assert not wrong


def test_nothing_imports_in_a_circle():
    order = []
    remaining = {part: {_part(o) for n in MODULES if _part(n) == part for o in _own_imports(n)} for part in MAY_IMPORT}
    while remaining:
        free = [part for part, needs in remaining.items() if not (needs - {part}) & set(remaining)]
        assert free, f"a circle among {sorted(remaining)}"
        order += free
        remaining = {part: needs for part, needs in remaining.items() if part not in free}
    assert set(order) == set(MAY_IMPORT)


@pytest.mark.parametrize("name", MODULES)
def test_tensorflow_is_in_few_places(name):
    if name.startswith("engine.tensorflow") or _part(name) in ("data", "export"):
        return
    assert not [full for full in _imports(MODULES[name]) if full.split(".")[0] == "tensorflow"]


@pytest.mark.parametrize("name", [name for name in MODULES if _part(name) in ("linalg", "_registry")])
def test_the_bottom_knows_keras_alone(name):
    foreign = {full for full in _imports(MODULES[name]) if not full.startswith(("mtl_keras.linalg", "mtl_keras._"))}
    assert {full.split(".")[0] for full in foreign} <= {"keras", "math", "collections", "typing"}


PRIVATE_KERAS = {"_keras_history", "_keras_mask", "_inbound_nodes", "_flatten_layers", "_layers"}


def test_private_keras_is_in_one_place():
    used = {
        (name, used)
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        for used in (getattr(node, "attr", None), getattr(node, "value", None))
        if isinstance(used, str) and used in PRIVATE_KERAS
    }
    assert used == {("engine.graph", attribute) for attribute in PRIVATE_KERAS}


def test_private_tensorflow_is_in_one_place():
    used = {(name, full) for name, tree in MODULES.items() for full in _imports(tree) if ".python" in full}
    assert used == {("engine.tensorflow.freed_graphs", "tensorflow.python.framework.ops")}


@pytest.mark.parametrize("name", MODULES)
def test_house_style(name):
    tree = MODULES[name]
    assert not [full for full in _imports(tree) if full.startswith("keras.src")]
    for node in ast.walk(tree):
        place = f"mtl_keras/{name.replace('.', '/')}.py:{getattr(node, 'lineno', 0)}"
        assert not isinstance(node, ast.Assert), f"{place}: assert"
        assert not (isinstance(node, ast.ExceptHandler) and node.type is None), f"{place}: bare except"
        lambda_layer = isinstance(node, ast.Attribute) and node.attr == "Lambda"
        assert not lambda_layer, f"{place}: Lambda"
        assert not (isinstance(node, ast.Attribute) and node.attr == "src"), f"{place}: keras.src"
    if tree.body:
        assert ast.get_docstring(tree), f"mtl_keras/{name.replace('.', '/')}.py has no docstring"


@pytest.mark.parametrize("name", [name for name in MODULES if _public_classes(name)])
def test_a_registered_class_is_public_and_gives_its_file_the_name(name):
    family, _, file = name.partition(".")
    (cls,) = _public_classes(name)
    assert cls.lower() == file.replace("_", "")
    assert cls in importlib.import_module(f"mtl_keras.{family}").__all__


@pytest.mark.parametrize("family", FAMILIES)
def test_all_lists_what_exists(family):
    module = importlib.import_module(f"mtl_keras.{family}")
    listed = getattr(module, "__all__", [])
    assert len(set(listed)) == len(listed)
    assert all(hasattr(module, name) for name in listed)
    assert not [name for name in listed if name.startswith("_")]


@pytest.mark.parametrize("family", [f for f in FAMILIES_OF_MEMBERS if f not in ("ensembles", "export", "plots")])
def test_all_lists_every_public_class_of_the_family(family):
    module = importlib.import_module(f"mtl_keras.{family}")
    registered = {cls for name in MODULES if _part(name) == family for cls in _public_classes(name)}
    assert registered <= set(getattr(module, "__all__", []))


def test_all_of_the_package_exists():
    assert mtl.__all__
    assert all(hasattr(mtl, name) for name in mtl.__all__)


@pytest.mark.parametrize("module", ["__init__", *(f"{f}.__init__" for f in FAMILIES)])
def test_init_files_only_import(module):
    allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr)
    assert all(isinstance(node, allowed) for node in MODULES[module].body)


@pytest.mark.slow
def test_import_is_light():
    """Importing the package over Keras loads none of the extras, and takes next to no time."""
    program = """
import keras, sys, time

before = set(sys.modules)  # Keras itself imports pandas and others where they are installed
start = time.process_time()
import mtl_keras

print(time.process_time() - start, *sorted({name.split(".")[0] for name in set(sys.modules) - before}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    seconds, *loaded = done.stdout.splitlines()[-1].split()
    assert "mtl_keras" in loaded
    assert not {
        "optuna",
        "pandas",
        "sklearn",
        "matplotlib",
        "scipy",
        "statsmodels",
        "tensorflow_datasets",
        "requests",
    } & set(loaded)
    assert float(seconds) < 0.5
