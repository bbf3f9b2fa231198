"""What a wheel and a source distribution hold, and what they say of themselves."""

import ast
import configparser
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile

import pytest

import mtl_keras as mtl

ROOT = pathlib.Path(__file__).parents[2]
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")
MODULES = {  # module: package, where their names differ
    "sklearn": "scikit-learn",
    "tensorflow_datasets": "tensorflow-datasets",
    "tensorflow_serving": "tensorflow-serving-api",
    "grpc": "grpcio",
}


def _packages(extra):
    """Returns the names of the packages of an extra, with those of the extras that it holds."""
    found = set()
    for line in SETUP["options.extras_require"][extra].splitlines():
        name = re.match(r"[\w-]+", line.strip())
        found |= {name.group().lower()} if name else set()
    return found


def test_setup_cfg_is_the_one_home_of_metadata():
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert set(tomllib.load(file)) == {"build-system", "tool"}


def test_the_versions_of_python_agree():
    classifiers = re.findall(r"Python :: (3\.\d+)", SETUP["metadata"]["classifiers"])
    assert classifiers == ["3.11", "3.12", "3.13"]
    assert SETUP["options"]["python_requires"] == f">={classifiers[0]}"
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["tool"]["ruff"]["target-version"] == f"py{classifiers[0].replace('.', '')}"
    assert f"Python {classifiers[0]} to {classifiers[-1]}." in (ROOT / "README.md").read_text()


def test_the_citation_is_of_this_version():
    text = (ROOT / "CITATION.cff").read_text()
    assert f"version: {mtl.__version__}\n" in text
    assert f"license: {SETUP['metadata']['license_expression']}\n" in text


def test_the_examples_import_what_their_extra_installs():
    installed = _packages("examples") | {"tensorflow", "keras", "numpy", "mtl_keras"}
    own = {path.stem for path in (ROOT / "examples").glob("*.py")}
    for path in (ROOT / "examples").glob("*.py"):
        imports = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, (ast.Import, ast.ImportFrom))]
        names = {(n.module if isinstance(n, ast.ImportFrom) else n.names[0].name).split(".")[0] for n in imports}
        needed = {MODULES.get(name, name) for name in names - own - set(sys.stdlib_module_names)}
        assert needed <= installed, path.name


def test_readme_links_to_nothing_that_an_index_has_not():
    targets = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    assert not [target for target in targets if not target.startswith(("#", "https://"))]


@pytest.mark.slow
def test_what_is_built(tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(
        ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "venv", "*.egg-info", "__pycache__", ".*_cache")
    )
    program = (
        "import setuptools.build_meta as b; "
        f"print(b.build_sdist({str(tmp_path)!r}), b.build_wheel({str(tmp_path)!r}), sep='\\n')"
    )
    command = [sys.executable, "-W", "error::DeprecationWarning:setuptools", "-c", program]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    sdist, wheel = (tmp_path / name for name in done.stdout.splitlines()[-2:])
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"mtl_keras/py.typed", "mtl_keras/weightings/pcgrad.py"} <= names
    assert not [
        name for name in names if name.split("/")[0] not in ("mtl_keras", f"mtl_keras-{mtl.__version__}.dist-info")
    ]
    with tarfile.open(sdist) as file:
        inside = {name.partition("/")[2] for name in file.getnames()}
    tops = {"README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "SECURITY.md", "CONTRIBUTING.md", "setup.cfg"}
    tops |= {"mkdocs.yml", "docs/index.md", "docs/hooks.py"}
    assert tops | {"tests/conftest.py", "examples/quickstart.py", "benchmarks/README.md", ".ci/run"} <= inside
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "files").rglob("*.*")} <= inside
