"""Byte relay of aml-debug: standard streams of an exec in the container <-> the debug server's loopback port.

Started as `python -I -S relay.py` while the program starts. Prints one line of JSON: the report of the
process that the start hook chose, or why there is none; after a good report, the debug server's bytes, and
between two of its messages an event for each child of the debuggee. When the debuggee has ended, or has become
another program, the next one takes its place behind an event; so does the next worker of a server, unless somebody
has ended the one before to put it there. `relay.py PID` is the same for a child.
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
# A server that gives up over its worker does so at once, and one that goes on has another at once; on a busy machine
# that may be later.
_ENDS_WITHIN_S = 5.0


def main():
    import aml_debug_process

    wish = aml_debug_process.Wish(os.environ.get("AML_DEBUG_HOOK", ""))
    if len(sys.argv) > 1:
        return _relay_child(wish, "child-%s.json" % sys.argv[1])
    news = _News(wish)
    report = _wait_for_report(wish)
    if report is None:
        return
    server = _connect(report)
    if server is not None:
        os.write(1, report)
        _relay(wish, news, report, server)
    elif _port(report) is None:
        os.write(1, report)
    else:
        _write(1, _line({"over": aml_debug_process.is_alive(_pid(report))}))


def _relay(wish, news, report, server):
    import json

    memory = _Memory()
    while True:
        master = _parent(_pid(report))
        workers = _children_of(master)
        if not _shovel(server, news):
            return
        server.close()
        # Whoever ends a worker looks for the next one.
        if wish.imports and _was_replaced(wish, report):
            return
        ended = {}
        if wish.imports:
            ended = {"worker": _pid(report), "outOfMemory": memory.ran_out(), "server": _ends(master, workers)}
        _write(1, _event("amlDebugEnded", ended))
        report = _wait_for_next(wish, news, report)
        server = None if report is None else _connect(report)
        if server is None:
            return
        _write(1, _event("amlDebugNext", json.loads(report.decode())))


def _relay_child(wish, name):
    with open(wish.mail(name), "rb") as file:
        report = file.read()
    try:
        server = _connect(report)
        if server is not None:
            os.write(1, report)
            _shovel(server, None)
    finally:
        try:
            os.unlink(wish.mail(name))
        except OSError:
            # It belongs to another user of the container; its process is looked at before it is told of.
            pass


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
            return _line({"unreported": because})
        if owner.poll(mail_every * 1000):
            return None


def _wait_for_next(wish, news, before):
    """The report of the debuggee that comes after this one; None when nobody waits for it any more."""
    import aml_debug_process

    waiting = select.poll()
    waiting.register(0, select.POLLIN)
    waiting.register(news.socket.fileno(), select.POLLIN)
    # A process that is another program by now and not one that can be debugged is told of once.
    until = time.monotonic() + _CLAIM_WITHIN_S
    while True:
        try:
            with open(wish.mail("report.json"), "rb") as file:
                report = file.read()
            if (_pid(report), _port(report)) != (_pid(before), _port(before)):
                return report
        except OSError:
            pass
        left = None if until is None else max(0.0, until - time.monotonic())
        ready = waiting.poll(None if left is None else left * 1000)
        if not ready:
            until = None
            if aml_debug_process.is_alive(_pid(before)):
                _write(1, _event("amlDebugReplaced", {}))
        for handle, _ in ready:
            # What was said to the debuggee that has ended is not for the next one.
            if handle == 0 and not os.read(0, 65536):
                return None
            if handle != 0:
                _write(1, news.events())


def _parent(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except OSError:
        return None


def _children_of(master):
    return {int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _parent(int(pid)) == master}


def _ends(master, workers):
    """Whether the server ends with its worker, as it does when that could not load the user's code. One that goes on
    has a worker that was not among these."""
    import aml_debug_process

    until = time.monotonic() + _ENDS_WITHIN_S
    while master is not None and aml_debug_process.is_alive(master):
        if time.monotonic() > until or _children_of(master) - workers:
            return False
        time.sleep(0.01)
    return True


def _was_replaced(wish, report):
    """Whether the debuggee was ended so that another takes its place."""
    try:
        with open(wish.mail("replaced")) as file:
            return str(_pid(report)) in file.read().split()
    except OSError:
        return False


class _Memory:
    """Whether the kernel has ended a process of the container for want of memory, since it was asked last."""

    _COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")

    def __init__(self):
        self.known = self._kills()

    def ran_out(self):
        before, self.known = self.known, self._kills()
        return self.known > before

    def _kills(self):
        for counter in self._COUNTERS:
            try:
                with open(counter) as file:
                    words = file.read().split()
                return int(words[words.index("oom_kill") + 1])
            except (OSError, ValueError, IndexError):
                pass
        return 0


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
            environ = aml_debug_process.environment_of(pid)
        except OSError:
            return None
        if not argv or not aml_debug_process.is_chosen(self.wish, argv, cwd, environ):
            return None
        because = aml_debug_process.Program(argv).isolated_by()
        if because is None and now - self.seen.setdefault(pid, now) < _CLAIM_WITHIN_S:
            return None
        return {"pid": int(pid), "argv": argv, "because": because or "silent"}


class _News:
    """What else the mail box holds: children of the debuggee. Each is told once."""

    def __init__(self, wish):
        import aml_debug_process

        self.wish = wish
        self.is_alive = aml_debug_process.is_alive
        self.told = set()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        place = wish.mail("news")
        try:
            # Whoever relayed before is gone or about to go.
            os.unlink(place)
        except OSError:
            pass
        self.socket.bind(place)
        os.chmod(place, 0o777)

    def events(self):
        try:
            while self.socket.recv(16):
                pass
        except OSError:
            pass
        return b"".join(_event("amlDebugChild", child) for child in self._children())

    def _children(self):
        import json

        for name in sorted(os.listdir(self.wish.mailbox)):
            if name in self.told or not (name == "undebugged.json" or name.startswith("child-") and name.endswith(".json")):
                continue
            try:
                with open(self.wish.mail(name)) as file:
                    child = json.load(file)
            except (OSError, ValueError):
                # It is being written, and its writer tells.
                continue
            self.told.add(name)
            if "port" not in child or self.is_alive(child["pid"]):
                yield child


class _Messages:
    """Holds a message back until it is whole: a process that ends, or becomes another program, while it speaks leaves
    half of one, and nothing that comes behind that could be read."""

    def __init__(self):
        self.held = bytearray()
        self.end = None

    def whole(self, data):
        """The messages that are whole by now."""
        self.held += data
        done = 0
        while True:
            if self.end is None:
                head = self.held.find(b"\r\n\r\n", done)
                if head < 0:
                    break
                length = self.held[done:head].lower().split(b"content-length:")[1].split()[0]
                self.end = head + 4 + int(length)
            if len(self.held) < self.end:
                break
            done, self.end = self.end, None
        messages = bytes(self.held[:done])
        del self.held[:done]
        if self.end is not None:
            self.end -= done
        return messages


def _event(name, body):
    import json

    body = json.dumps({"type": "event", "seq": 0, "event": name, "body": body}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def _line(value):
    import json

    return json.dumps(value).encode() + b"\n"


def _port(report):
    import json

    return json.loads(report.decode()).get("port")


def _pid(report):
    import json

    return json.loads(report.decode())["pid"]


def _connect(report):
    port = _port(report)
    if port is None:
        return None
    try:
        server = socket.create_connection(("127.0.0.1", port))
    except ConnectionError:
        return None
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return server


def _shovel(server, news):
    """Whether it was the server that ended."""
    waiting = select.poll()
    waiting.register(0, select.POLLIN)
    waiting.register(server.fileno(), select.POLLIN)
    messages = _Messages()
    if news is not None:
        waiting.register(news.socket.fileno(), select.POLLIN)
        _write(1, news.events())
    until = None
    while True:
        timeout = None if until is None else max(0.0, until - time.monotonic()) * 1000
        ready = waiting.poll(timeout)
        if not ready:
            return False
        for handle, _ in ready:
            if handle == 0:
                data = os.read(0, 65536)
                if data:
                    _send(server, data)
                else:
                    # The owner is gone. The server keeps its side open, so what it still says gets a moment.
                    waiting.unregister(0)
                    until = time.monotonic() + _LINGER_S
                    server.shutdown(socket.SHUT_WR)
            elif handle == server.fileno():
                data = _receive(server)
                if not data:
                    return until is None
                _write(1, messages.whole(data))
            else:
                _write(1, news.events())


def _send(server, data):
    try:
        server.sendall(data)
    except ConnectionError:
        # It has ended, which is read from it as well.
        pass


def _receive(server):
    try:
        return server.recv(65536)
    except ConnectionError:
        return b""


def _write(handle, data):
    while data:
        data = data[os.write(handle, data):]


try:
    main()
except (BrokenPipeError, ConnectionError):
    pass
