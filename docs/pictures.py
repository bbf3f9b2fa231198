"""Makes the pictures of the site, by running the pages and the examples that show them.

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
PICTURES = {  # name: the page, and the file that its program writes; or the example, and its option for the file
    "sharing": ("docs/guides/sharing.md", "sharing.png"),
    "conflict": ("docs/guides/weighting.md", "conflict.png"),
    "relatedness": ("docs/guides/relatedness.md", "affinity.png"),
    "gains": ("docs/guides/study.md", "report/gains.png"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[], metavar="NAME", help=", ".join(PICTURES))
    for name in parser.parse_args().names or PICTURES:
        source, file = PICTURES[name]
        with tempfile.TemporaryDirectory() as folder:
            if source.endswith(".md"):
                code = (ROOT / source).read_text(encoding="utf-8")
                blocks = re.findall(r"(?<!-->\n)^```python\n(.*?)^```", code, flags=re.DOTALL | re.MULTILINE)
                command = ["-c", "\n".join(blocks)]
            else:
                command, file = [str(ROOT / source), file, f"{name}.png"], f"{name}.png"
            environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
            subprocess.run([sys.executable, *command], cwd=folder, env=environment, check=True)
            shutil.copy(pathlib.Path(folder, file), ROOT / "docs" / "images" / f"{name}.png")
        print(f"Wrote docs/images/{name}.png")


if __name__ == "__main__":
    main()
