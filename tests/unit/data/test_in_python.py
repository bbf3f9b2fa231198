"""Programs end, whatever their data are doing."""

import subprocess
import sys

import pytest

PROGRAM = """
import numpy as np
import pandas as pd
import mtl_keras as mtl

x, y = {{"a": np.arange(20_000, dtype="float32")}}, {{"task": np.arange(20_000) % 2}}
pd.DataFrame(x | y).to_parquet("{folder}/table.parquet")
arrays = mtl.data.from_arrays(x, y, 100, shuffle=True)
mtl.data.write_records(arrays.take(2), "{folder}/records")
data = {{
    "mix": lambda: mtl.data.mix({{"one": arrays, "other": arrays}}),
    "from_parquet": lambda: mtl.data.from_parquet("{folder}/table.parquet", y=["task"], shuffle_rows=500),
    "from_records": lambda: mtl.data.from_records("{folder}/records"),
}}["{kind}"]().repeat()
iterator = iter(data)
for _ in range(3):
    next(iterator)
print("the end")
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mix", "from_parquet", "from_records"])
def test_a_program_ends_that_leaves_an_iterator_within_a_pass(kind, tmp_path):
    program = PROGRAM.format(folder=tmp_path, kind=kind)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == "the end\n"
    assert "Traceback" not in done.stderr
