"""Exit code 3 if the packages of the Python that runs this come without bytecode, 0 if with it.

Most of an image's start is compiling where it has none: Azure's own images take theirs out to be smaller.
"""

import importlib.util
import os
import site
import sys

# Enough to judge by, and looked through in a few milliseconds.
_LOOK_AT = 1000


def main():
    folders = site.getsitepackages()
    found = [path for folder in folders for path in _sources(folder)]
    if len(found) < 20:
        found += _sources(os.path.dirname(os.__file__))
    compiled = sum(os.path.exists(importlib.util.cache_from_source(path)) for path in found)
    sys.exit(0 if 2 * compiled >= len(found) else 3)


def _sources(root):
    found = []
    for folder, folders, names in os.walk(root):
        # Nobody compiles these, and no run imports them.
        folders[:] = [name for name in folders if name not in ("tests", "test", "site-packages", "dist-packages")]
        found += [os.path.join(folder, name) for name in names if name.endswith(".py")]
        if len(found) >= _LOOK_AT:
            break
    return found


main()
