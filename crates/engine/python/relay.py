"""Byte relay of aml-debug: standard streams of an exec in the container <-> the debug server's loopback port.

Started as `python -I -S relay.py` while the program starts. Prints one line of JSON: the report of the
process that the start hook chose, or why there is none; after a good report, the debug server's bytes.
"""

import os
import select
import socket
import sys
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(_HERE, "hook"))

# Between two looks into the mail box and at the processes, in seconds: while a start is under way, and for
# a command that does other things for a long time first.
_SOON = (0.002, 0.05)
_LATER = (0.02, 0.5)
_SOON_FOR_S = 10.0
# A chosen process claims before it does anything slow, so this only has to cover the interpreter's own start.
_CLAIM_WITHIN_S = 3.0
_LINGER_S = 1.0


def main():
    import aml_debug_process

    wish = aml_debug_process.Wish(os.environ.get("AML_DEBUG_HOOK", ""))
    report = _wait_for_report(wish)
    if report is None:
        return
    os.write(1, report)
    port = _port(report)
    if port is not None:
        _shovel(socket.create_connection(("127.0.0.1", port)))


def _wait_for_report(wish):
    """The report as one line; None when nobody waits for it any more."""
    owner = select.poll()
    owner.register(0, 0)
    watch = _Watch(wish)
    started = time.monotonic()
    while True:
        mail_every, look_every = _SOON if time.monotonic() - started < _SOON_FOR_S else _LATER
        try:
            with open(wish.mail("report.json"), "rb") as file:
                return file.read()
        except OSError:
            pass
        because = watch.look(look_every)
        if because is not None:
            import json

            return json.dumps({"unreported": because}).encode() + b"\n"
        if owner.poll(mail_every * 1000):
            return None


class _Watch:
    """Looks for a chosen process that the start hook did not get into."""

    def __init__(self, wish):
        self.wish = wish
        self.next_look = 0.0
        self.seen = {}

    def look(self, every):
        now = time.monotonic()
        if now < self.next_look:
            return None
        self.next_look = now + every
        try:
            with open(self.wish.mail("claim")) as file:
                pid = file.read()
        except OSError:
            pass
        else:
            return self._look_after(pid)
        for pid in os.listdir("/proc"):
            if pid.isdigit() and int(pid) != os.getpid():
                found = self._judge(pid, now)
                if found is not None:
                    return found
        return None

    def _look_after(self, pid):
        """A process that has claimed reports or dies."""
        if not pid or os.path.exists("/proc/" + pid) or os.path.exists(self.wish.mail("report.json")):
            return None
        return {"pid": int(pid), "argv": [], "because": "died"}

    def _judge(self, pid, now):
        import aml_debug_process

        try:
            if "python" not in os.path.basename(os.readlink("/proc/%s/exe" % pid)):
                return None
            argv = aml_debug_process.arguments_of(pid)
            cwd = os.readlink("/proc/%s/cwd" % pid)
        except OSError:
            return None
        if not argv or not aml_debug_process.is_chosen(self.wish, argv, cwd):
            return None
        because = aml_debug_process.Program(argv).isolated_by()
        if because is None and now - self.seen.setdefault(pid, now) < _CLAIM_WITHIN_S:
            return None
        return {"pid": int(pid), "argv": argv, "because": because or "silent"}


def _port(report):
    import json

    return json.loads(report.decode()).get("port")


def _shovel(server):
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    waiting = select.poll()
    waiting.register(0, select.POLLIN)
    waiting.register(server.fileno(), select.POLLIN)
    until = None
    while True:
        timeout = None if until is None else max(0.0, until - time.monotonic()) * 1000
        ready = waiting.poll(timeout)
        if not ready:
            return
        for handle, _ in ready:
            if handle == 0:
                data = os.read(0, 65536)
                if data:
                    server.sendall(data)
                else:
                    # The owner is gone. The server keeps its side open, so what it still says gets a moment.
                    waiting.unregister(0)
                    until = time.monotonic() + _LINGER_S
                    server.shutdown(socket.SHUT_WR)
            else:
                data = server.recv(65536)
                if not data:
                    return
                while data:
                    data = data[os.write(1, data):]


try:
    main()
except (BrokenPipeError, ConnectionError):
    pass
