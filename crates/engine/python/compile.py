"""Bytecode of our own files for the Python that runs this; `python -I -S compile.py` with the volume writable.

The hash in each file is never checked: the volume's contents do not change under their name, and a check
would read every source again.
"""

import compileall
import os
import py_compile
import sys
import warnings

_HERE = os.path.dirname(os.path.abspath(__file__))
_DEBUGPY = "debugpy" if sys.version_info >= (3, 10) else "debugpy-py38"

warnings.simplefilter("ignore")
for _folder in ("hook", _DEBUGPY):
    compileall.compile_dir(
        os.path.join(_HERE, _folder),
        quiet=2,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
