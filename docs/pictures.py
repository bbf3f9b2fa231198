"""Makes the pictures of the site, by running the pages that show them.

    python docs/pictures.py [NAME ...]

All of them take a few minutes on 2 cores.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[1]
PICTURES = {  # name: the page, and the file that its program writes
    "sharing": ("docs/guides/sharing.md", "sharing.png"),
    "conflict": ("docs/guides/weighting.md", "conflict.png"),
    "relatedness": ("docs/guides/relatedness.md", "affinity.png"),
    "gains": ("docs/guides/study.md", "report/gains.png"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[], metavar="NAME", help=", ".join(PICTURES))
    for name in parser.parse_args().names or PICTURES:
        page, file = PICTURES[name]
        with tempfile.TemporaryDirectory() as folder:
            text = (ROOT / page).read_text(encoding="utf-8")
            blocks = re.findall(r"(?<!-->\n)^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
            environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
            subprocess.run([sys.executable, "-c", "\n".join(blocks)], cwd=folder, env=environment, check=True)
            shutil.copy(pathlib.Path(folder, file), ROOT / "docs" / "images" / f"{name}.png")
        print(f"Wrote docs/images/{name}.png")


if __name__ == "__main__":
    main()
