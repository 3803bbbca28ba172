"""Python processes that the debuggee starts, and others of the same program (ranks): where children are
debugged, each becomes a debuggee of its own; where they are not, the first one is reported.

A report is a file in the mail box; a datagram tells the relay to look.
"""

import os
import sys

import aml_debug_process


def started(wish, argv):
    """In a process that was started as a program."""
    if aml_debug_process.only_forks(argv):
        follow_forks(wish, argv)
    else:
        _meet(wish, argv, forked=False)


def follow_forks(wish, argv):
    """From here on, the forks of this process are met as children.

    Not by `os.register_at_fork`: what forks only to become another program comes by there as well.
    """
    original = os.fork

    def fork():
        child = original()
        if child == 0 and sys._getframe(1).f_code.co_name != "_spawnvef":
            _meet(wish, argv, forked=True)
        return child

    os.fork = fork


def announce(wish):
    """Whether somebody heard that there is something new in the mail box."""
    import _socket

    handle = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
    try:
        handle.setblocking(False)
        handle.sendto(b"!", wish.mail("news"))
    except BlockingIOError:
        # Others have been here, and the relay has not looked yet.
        pass
    except OSError:
        return False
    finally:
        handle.close()
    return True


def _meet(wish, argv, forked):
    try:
        if wish.follows_children():
            _attendance().attend_child(wish, argv, forked)
        else:
            _report_undebugged(wish, argv)
    except Exception:
        # The user's code runs, whatever becomes of its debugger.
        pass


def _attendance():
    """The module that attends; by now the hook's folder is off the path."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    try:
        import aml_debug_attend
    finally:
        del sys.path[0]
    return aml_debug_attend


def _report_undebugged(wish, argv):
    try:
        handle = os.open(wish.mail("undebugged.json"), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except OSError:
        # It is said once.
        return
    import json

    os.write(handle, json.dumps({"pid": os.getpid(), "argv": argv}).encode())
    os.close(handle)
    announce(wish)
