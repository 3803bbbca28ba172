"""Start hook of aml-debug: runs in every Python of the container, before the user's first line.

It stands first on PYTHONPATH, so `site` imports it in place of any other `sitecustomize`. In a process
that is not the chosen one it costs a look at the environment and steps aside. The syntax is one that
every Python can read, so that an old one is reported rather than broken.
"""

import os
import sys


def _step_aside():
    """Takes this folder off sys.path and lets the `sitecustomize` that we shadow have its turn."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if entry != here]
    ours = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError as error:
        if getattr(error, "name", "sitecustomize") != "sitecustomize":
            raise
    finally:
        # The import system looks for the name that it asked for.
        sys.modules.setdefault("sitecustomize", ours)


def _choose():
    """What this process has to do for the debugger, or None."""
    wish = os.environ.get("AML_DEBUG_HOOK")
    if not wish:
        return None
    import aml_debug_process

    wish = aml_debug_process.Wish(wish)
    if wish.imports:
        import aml_debug_import

        return aml_debug_import.await_import(wish)
    if aml_debug_process.is_one_of_several(os.environ):
        import aml_debug_patience

        aml_debug_patience.await_torch()
    argv = aml_debug_process.own_arguments()
    here = os.getcwd()
    if wish.may_claim() and aml_debug_process.is_chosen(wish, argv, here, os.environ, sys.path) and wish.take_over():
        import aml_debug_attend

        return lambda: aml_debug_attend.attend(wish, argv)
    if aml_debug_process.is_followed(wish, argv, here, sys.path, (sys.prefix, sys.base_prefix)):
        import aml_debug_children

        return lambda: aml_debug_children.started(wish, argv)
    return None


try:
    _attend = _choose()
except Exception:
    # Nothing of ours may keep the user's code from running; the relay tells of a process that
    # should have reported and did not.
    _attend = None
try:
    _step_aside()
finally:
    if _attend is not None:
        _attend()
