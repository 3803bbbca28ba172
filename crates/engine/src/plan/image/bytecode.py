"""Writes the bytecode of everything installed, so that no run of the image compiles anything.

Compiling takes longer than installing. What an earlier build on this engine has compiled of the same source
is taken from the cache; the name of a file inside its bytecode is set right by the import that reads it.
"""

import hashlib
import importlib.util
import marshal
import os
import sys
import sysconfig
import tempfile
import warnings


def main(cache):
    magic = importlib.util.MAGIC_NUMBER.hex()
    store = os.path.join(cache, "bytecode", sys.implementation.cache_tag + "-" + magic)
    roots = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    sources = [source for root in roots for source in sources_under(root)]
    workers = os.cpu_count() or 1
    children = [start(sources[first::workers], store) for first in range(workers)]
    failed = [child for child in children if os.waitpid(child, 0)[1] != 0]
    print("Bytecode of {} files is there".format(len(sources)))
    return 1 if failed else 0


def sources_under(root):
    for folder, folders, names in os.walk(root):
        # Nearly half of a numpy, pandas and scikit-learn, and no run imports them.
        folders[:] = [name for name in folders if name != "tests"]
        for name in names:
            if name.endswith(".py"):
                yield os.path.join(folder, name)


def start(sources, store):
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        warnings.simplefilter("ignore")
        for source in sources:
            write(source, store)
        code = 0
    finally:
        os._exit(code)


def write(path, store):
    with open(path, "rb") as file:
        source = file.read()
        status = os.fstat(file.fileno())
    name = hashlib.sha256(source).hexdigest()
    kept = os.path.join(store, name[:2], name)
    try:
        with open(kept, "rb") as file:
            body = file.read()
    except FileNotFoundError:
        try:
            body = marshal.dumps(compile(source, path, "exec", dont_inherit=True))
        except Exception:
            # A template, or meant for another Python: whoever imports it is told then.
            return
        keep(kept, body)
    numbers = (0, int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF)
    head = importlib.util.MAGIC_NUMBER + b"".join(number.to_bytes(4, "little") for number in numbers)
    target = importlib.util.cache_from_source(path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        file.write(head + body)


def keep(path, body):
    """Whole or not at all: other builds read here at the same time."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    handle, fresh = tempfile.mkstemp(dir=os.path.dirname(path))
    with os.fdopen(handle, "wb") as file:
        file.write(body)
    os.replace(fresh, path)


sys.exit(main(sys.argv[1]))
