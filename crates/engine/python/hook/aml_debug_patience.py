"""Gives the ranks of a program time: while one of them is paused, the others must not give it up.

Every collective of torch waits for every rank, and fails after a timeout that the program may have set to
seconds. In a run under the debugger those timeouts are longer than any session; what the program does
otherwise stays as it is. Nothing happens before the program itself imports torch's collectives.
"""

import os
import sys

_MODULE = "torch.distributed.distributed_c10d"
_FUNCTIONS = ("init_process_group", "new_group", "monitored_barrier")
_WEEK = 7 * 24 * 3600


def await_torch():
    # NCCL's own watchdog ends a process whose rank stands still, whatever the timeout is.
    os.environ.setdefault("TORCH_NCCL_ENABLE_MONITORING", "0")
    sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds the module as it would be found without us, and is there when it has been run."""

    def find_spec(self, name, path=None, target=None):
        if name != _MODULE:
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader)
                return spec
        return None


class _Loader:
    def __init__(self, original):
        self.original = original

    def __getattr__(self, name):
        return getattr(self.original, name)

    def create_module(self, spec):
        return self.original.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self.original
        self.original.exec_module(module)
        for name in _FUNCTIONS:
            try:
                setattr(module, name, _patient(getattr(module, name)))
            except Exception:
                # Another version of torch; its timeouts are its own.
                pass


def _patient(function):
    import functools
    import inspect
    from datetime import timedelta

    signature = inspect.signature(function)
    week = timedelta(seconds=_WEEK)
    if "timeout" not in signature.parameters:
        return function

    @functools.wraps(function)
    def patient(*args, **kwargs):
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            # It says itself what is wrong with its arguments.
            return function(*args, **kwargs)
        bound.arguments["timeout"] = week
        return function(*bound.args, **bound.kwargs)

    return patient
