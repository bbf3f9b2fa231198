"""What `import mtl_keras.data` imports."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_imports_none_of_the_extras():
    code = (
        "import sys, keras, tensorflow; before = set(sys.modules); import mtl_keras.data; "
        "extras = {'pandas', 'tensorflow_datasets', 'sklearn'}; "
        "print(sorted(extras & (set(sys.modules) - before)))"  # Keras imports pandas where it is installed
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr[-2000:]
