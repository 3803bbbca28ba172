"""Waits for the process that imports a module: a worker of a server, forked from a master that never does.

The master has the hook's finder on `sys.meta_path`, and so has every process that it forks; the first that
imports the module is the debuggee, before a line of the user's runs in it, and when that one has died, the first
that comes after it. Where children are debugged, the other workers are debuggees beside it.
"""

import os
import sys


# What the module imports before it loads a line of the user's. Imported before the debugger is there it takes a
# tenth of the time: every call that it makes would be traced otherwise.
_BEFORE_THE_USERS = {
    "azureml_inference_server_http.server.entry": "azureml_inference_server_http.server.create_app",
}


def await_import(wish):
    """Puts the finder in place; there is nothing to attend yet."""
    # One of the later forks could otherwise find that this folder is not on the path any more.
    import aml_debug_attend  # noqa: F401
    import aml_debug_children  # noqa: F401
    import aml_debug_process

    sys.meta_path.insert(0, _Finder(wish, aml_debug_process.own_arguments()))


class _Finder:
    """Finds nothing, and notices what is looked for."""

    def __init__(self, wish, argv):
        self.wish = wish
        self.argv = argv

    def find_spec(self, name, _path=None, _target=None):
        if name not in self.wish.imports:
            return None
        sys.meta_path.remove(self)
        _import_what_is_not_the_users(name)
        import aml_debug_attend

        if self.wish.may_claim() and self.wish.take_over():
            aml_debug_attend.attend(self.wish, self.argv)
        elif self.wish.follows_children():
            try:
                aml_debug_attend.attend_child(self.wish, self.argv, forked=False)
            except Exception:
                # The server runs, whatever becomes of this worker's debugger.
                pass
        return None


def _import_what_is_not_the_users(name):
    if name not in _BEFORE_THE_USERS:
        return
    import importlib

    try:
        importlib.import_module(_BEFORE_THE_USERS[name])
    except BaseException:
        # The module tries it again, and says itself what is wrong.
        pass
