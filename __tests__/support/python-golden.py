"""The MD5 code hashes that Python itself gives, for the test of this project's own glob.

    python3 python-golden.py > python-golden.json     makes them from python-trees.json
    python3 python-golden.py --check                   exits 1 where python-golden.json holds others

Needs Linux, where a file name is any bytes, and Python 3.11 or later.
"""

import glob
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


def build(root, tree):
    for name, content in tree.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(content, dict):
            os.symlink(content["link"], path)
        else:
            Path(path).write_text(content)


def digest(root, patterns):
    """As the tool does it: every pattern's files, sorted, one after the other. None where there is no file."""
    md5 = hashlib.md5()
    count = 0
    for pattern in patterns:
        for path in sorted(glob.glob("%s/%s" % (root, pattern), recursive=True)):
            if Path(path).is_file():
                md5.update(Path(path).read_bytes())
                count += 1
    return md5.hexdigest() if count else None


def golden():
    description = json.loads((HERE / "python-trees.json").read_text("utf-8"))
    results = []
    for name, tree in description["trees"].items():
        with tempfile.TemporaryDirectory() as directory:
            root = os.path.join(directory, name)
            build(root, tree)
            for patterns in description["patterns"][name]:
                results.append({"tree": name, "patterns": patterns, "md5": digest(root, patterns)})
    lines = ["  { %s }" % json.dumps(result)[1:-1] for result in results]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def main():
    if sys.argv[1:] != ["--check"]:
        sys.stdout.write(golden())
    elif json.loads(golden()) != json.loads((HERE / "python-golden.json").read_text("utf-8")):
        sys.exit("python-golden.json is not what this Python gives: make it again, and mend the glob if its test then fails")


main()
