"""Debug server in the chosen process: listens on the container's own loopback, reports, waits.

Runs inside `sitecustomize`, before the user's program. When `attend` returns, the interpreter goes on
to the program natively: no frame of ours stays below it.
"""

import os
import sys
import time

from aml_debug_children import announce, follow_forks

# How long a process that we could not make debuggable is held, so that the run can be ended before
# it has done anything.
_HOLD_SECONDS = 10.0

# How long a child waits for its session at most. Whoever debugs it is told at once and answers at once.
_CHILD_WAITS_SECONDS = 30.0

_OLDEST_PYTHON = (3, 8)

_HOOK = os.path.dirname(os.path.abspath(__file__))


def attend(wish, argv):
    """In the debuggee. Never raises: what goes wrong is a report."""
    _mark_children(wish)
    wish.follow_children(wish.children)
    report = _report(argv)
    try:
        if sys.version_info[:2] < _OLDEST_PYTHON:
            return _fail(wish, report, "python", report["python"])
        try:
            debugpy = _import_debugpy(wish)
        except BaseException as error:
            return _fail(wish, report, "import", error)
        try:
            server = _Server(debugpy)
        except BaseException as error:
            return _fail(wish, report, "listen", error)
        server.hear_the_client(wish)
        follow_forks(wish, argv)
        report.update(server.describe())
        mail = _Mail(wish, report, "report")
        patience = wish.patience()
        # Where nobody is waited for, nobody has to be called. A worker of a server is asked for by itself.
        mail.state("waiting" if patience or wish.imports else "unattended")
        # Whoever relayed for the debuggee before this one waits to be told.
        announce(wish)
        server.tell_pauses(mail)
        server.stop_at_uncaught_exceptions()
        attended = server.wait(patience)
        mail.state("attended" if attended else "unattended")
        if not attended:
            wish.attended(False)
            server.tell_unattended()
    except Exception as error:
        _fail(wish, report, "hook", error)


def attend_child(wish, argv, forked):
    """In a process that the debuggee started, or another one of the same program."""
    # What runs beside the debuggee may well be there before it, and then waits as long.
    waits = wish.wait if wish.debuggee is None and not forked else min(wish.wait, _CHILD_WAITS_SECONDS)
    if not forked:
        _mark_children(wish)
    server = _Server(sys.modules["debugpy"] if "pydevd" in sys.modules else _import_debugpy(wish))
    if not forked:
        follow_forks(wish, argv)
    report = dict(_report(argv), forked=forked)
    report.update(server.describe())
    mail = _Mail(wish, report, "child-%d" % os.getpid())
    mail.state("waiting")
    server.tell_pauses(mail)
    server.stop_at_uncaught_exceptions()
    heard = announce(wish)
    attended = (heard or waits == wish.wait) and server.wait(waits)
    mail.state("attended" if attended else "unattended")


def _report(argv):
    return {
        "pid": os.getpid(),
        "python": "%d.%d.%d" % sys.version_info[:3],
        "argv": argv,
        "cwd": os.getcwd(),
    }


def _mark_children(wish):
    os.environ["AML_DEBUG_HOOK"] = wish.for_children()


def _forget_the_parents_debugger():
    """A forked child has the breakpoints and no server: it would stop there for ever."""
    import threading

    try:
        import pydevd_tracing
        from _pydevd_bundle.pydevd_constants import GlobalDebuggerHolder, after_fork
        from _pydevd_bundle.pydevd_custom_frames import custom_frames_container_init

        parents = GlobalDebuggerHolder.global_dbg
        if parents is not None:
            # Its threads are not here and nobody may wait for them.
            parents.created_pydb_daemon_threads = {}
        # pydevd's own replacement warns of every call.
        pydevd_tracing.restore_sys_set_trace_func()
        sys.settrace(None)
        threading.settrace(None)
        after_fork()
        if sys.version_info >= (3, 12):
            from _pydevd_sys_monitoring import pydevd_sys_monitoring

            pydevd_sys_monitoring.stop_monitoring(all_threads=True)
            pydevd_sys_monitoring.reset_thread_local_info()
        GlobalDebuggerHolder.global_dbg = None
        threading.current_thread().additional_info = None
        custom_frames_container_init()
    except Exception:
        pass


class _Mail:
    """The report as it stands; whoever reads it sees a whole one."""

    def __init__(self, wish, report, name):
        import threading

        self.wish = wish
        self.name = name
        self.report = dict(report, paused=None)
        self.pid = os.getpid()
        self.paused = []
        self.lock = threading.Lock()

    def state(self, state):
        with self.lock:
            self.report["state"] = state
            self._write()

    def pause(self, rank, thread):
        with self.lock:
            self.paused.append((rank, thread))
            self._tell_paused()

    def resume(self, rank, thread):
        with self.lock:
            self.paused.remove((rank, thread))
            self._tell_paused()

    def _tell_paused(self):
        first = min(self.paused)[1] if self.paused else None
        if first != self.report["paused"]:
            self.report["paused"] = first
            self._write()

    def _write(self):
        # A forked child has its parent's breakpoints for a moment and never its parent's report.
        if os.getpid() == self.pid:
            _write_report(self.wish, self.report, self.name)


def _write_report(wish, report, name):
    import json

    draft = wish.mail(name + ".draft")
    with open(draft, "w") as file:
        file.write(json.dumps(report) + "\n")
    os.replace(draft, wish.mail(name + ".json"))


def _fail(wish, report, because, error):
    detail = error if isinstance(error, str) else "%s: %s" % (type(error).__name__, error)
    _write_report(wish, dict(report, failed=because, detail=detail), "report")
    time.sleep(_HOLD_SECONDS)


def _import_debugpy(wish):
    own = _own_debugpy()
    if own is None:
        folder = "debugpy" if sys.version_info >= (3, 10) else "debugpy-py38"
        sys.path.insert(0, os.path.join(os.path.dirname(_HOOK), folder))
    # Only while the constants are read. The user's log stays the user's: no warning about frozen modules,
    # complaints into the mail box; and no search for the native library that traces threads older than
    # the debugger (there are none).
    quiet = {
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYDEVD_LOAD_NATIVE_LIB": "0",
        "PYDEVD_DEBUG_FILE": wish.mail("debugpy.log"),
    }
    unset = [name for name in quiet if name not in os.environ]
    for name in unset:
        os.environ[name] = quiet[name]
    try:
        # Not `debugpy.server.api`: its log alone reads the metadata machinery, a fifth of the whole.
        with _Unneeded(), _NoCollection():
            import debugpy._vendored.force_pydevd
    finally:
        for name in unset:
            del os.environ[name]
        if own is None:
            del sys.path[0]
    return debugpy


def _own_debugpy():
    """The environment's own debugpy where it is new enough, else None."""
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec("debugpy")
    if spec is None or not spec.origin:
        return None
    try:
        with open(os.path.join(os.path.dirname(spec.origin), "_version.py")) as file:
            text = file.read()
        # versioneer writes the version as JSON.
        version = text.split('"version": "', 1)[1].split('"', 1)[0]
        return spec if tuple(int(part) for part in version.split(".")[:2]) >= (1, 8) else None
    except (OSError, IndexError, ValueError):
        return None


class _Unneeded:
    """Stands in for modules that debugpy imports for its old console only.

    They and what they pull in (http, email, ssl) are half of its import time.
    """

    _NAMES = {
        "xmlrpc": (),
        "xmlrpc.client": ("ServerProxy", "Marshaller", "Server"),
        "xmlrpc.server": ("SimpleXMLRPCServer", "SimpleXMLRPCRequestHandler"),
        "http": (),
        "http.server": ("BaseHTTPRequestHandler",),
    }

    def __enter__(self):
        self.placed = []
        if any(name in sys.modules for name in self._NAMES):
            return
        module = type(sys)
        for name, contents in self._NAMES.items():
            stand_in = module(name)
            stand_in.__file__ = __file__
            stand_in.__path__ = []
            for entry in contents:
                setattr(stand_in, entry, type(entry, (), {}))
            sys.modules[name] = stand_in
            parent, _, child = name.rpartition(".")
            if parent:
                setattr(sys.modules[parent], child, stand_in)
            self.placed.append(name)

    def __exit__(self, *_error):
        for name in self.placed:
            sys.modules.pop(name, None)


class _NoCollection:
    """An import makes many objects and no garbage."""

    def __enter__(self):
        import gc

        self.was_on = gc.isenabled()
        gc.disable()

    def __exit__(self, *_error):
        import gc

        if self.was_on:
            gc.enable()


class _Server:
    """debugpy's server inside this process."""

    def __init__(self, debugpy):
        import pydevd

        self.debugpy = debugpy
        if pydevd.PyDB.initialize_network.__module__ != __name__:
            # A fork has this from its parent.
            self._without_delay(pydevd)
            os.register_at_fork(after_in_child=_forget_the_parents_debugger)
        # What debugpy.listen(…, in_process_debug_adapter=True) does. Children find their debugger by this
        # hook, so nothing of their start is patched.
        pydevd.settrace(
            host="127.0.0.1",
            port=0,
            suspend=False,
            patch_multiprocessing=False,
            wait_for_ready_to_run=False,
            block_until_connected=False,
            notify_stdin=False,
            dont_trace_start_patterns=(os.path.dirname(os.path.abspath(debugpy.__file__)), _HOOK),
            dont_trace_end_patterns=("debugpy_launcher.py",),
        )
        self.database = pydevd.get_global_debugger()
        self.database.wait_for_server_socket_ready()
        self.port = self.database._server_socket_name[1]
        self._answer_a_listen_of_the_script()

    def describe(self):
        file = self.debugpy.__spec__.cached
        return {
            "port": self.port,
            "debugpy": self.debugpy.__version__,
            "debugpyFrom": os.path.dirname(os.path.dirname(self.debugpy.__file__)),
            "bytecode": bool(file and os.path.exists(file)),
        }

    def tell_pauses(self, mail):
        """Keeps the report true about who is paused: whoever connects later cannot ask for it, and a
        stop may come while nobody is connected."""
        from _pydevd_bundle._debug_adapter.pydevd_base_schema import BaseSchema
        from _pydevd_bundle.pydevd_comm_constants import CMD_THREAD_SUSPEND
        from _pydevd_bundle.pydevd_constants import get_thread_id

        original = self.database.do_wait_suspend

        def do_wait_suspend(thread, *args, **kwargs):
            # All threads stop when one does; the one to show is the one that met the breakpoint.
            caused = getattr(thread, "stop_reason", None) != CMD_THREAD_SUSPEND
            number = BaseSchema._translate_id_to_dap(get_thread_id(thread))
            mail.pause(not caused, number)
            try:
                return original(thread, *args, **kwargs)
            finally:
                mail.resume(not caused, number)

        self.database.do_wait_suspend = do_wait_suspend
        self._say_who_stands(mail)

    @staticmethod
    def _say_who_stands(mail):
        """Whoever has read the report and connects may miss a stop in between. So a client that is configured is told,
        ahead of the answer, of the one who stands."""
        from _pydevd_bundle.pydevd_comm_constants import CMD_WRITE_TO_CONSOLE
        from _pydevd_bundle.pydevd_net_command import NetCommand
        from _pydevd_bundle.pydevd_process_net_command_json import PyDevJsonCommandProcessor

        known = hasattr(PyDevJsonCommandProcessor, "aml_debug_mail")
        # A fork has its parent's, which tells of another process.
        PyDevJsonCommandProcessor.aml_debug_mail = mail
        if known:
            return
        original = PyDevJsonCommandProcessor.on_configurationdone_request

        def on_configurationdone_request(self, database, *args, **kwargs):
            thread = self.aml_debug_mail.report["paused"]
            if thread is not None:
                event = {"type": "event", "seq": 0, "event": "amlDebugStands", "body": {"threadId": thread}}
                database.writer.add_command(NetCommand(CMD_WRITE_TO_CONSOLE, 0, event, is_json=True))
            return original(self, database, *args, **kwargs)

        PyDevJsonCommandProcessor.on_configurationdone_request = on_configurationdone_request

    def wait(self, seconds):
        """Whether a client came and finished its configuration in time."""
        import threading

        gave_up = threading.Event()
        done = self.database._on_configuration_done_event
        timer = threading.Timer(seconds, gave_up.set)
        timer.daemon = True
        timer.start()
        import pydevd

        pydevd._wait_for_attach(cancel=gave_up)
        timer.cancel()
        return done.is_set()

    def stop_at_uncaught_exceptions(self):
        """debugpy looks for them in the frame that it was started from. The user's program is begun natively
        and is another one, so for a client that asks for them they are met at the end of their way."""
        import threading

        import pydevd
        from _pydevd_bundle.pydevd_additional_thread_info import set_additional_thread_info

        database, original = self.database, sys.excepthook
        stop, met = database.do_stop_on_unhandled_exception, []

        def do_stop(thread, frame, frames, raised):
            # Where debugpy does see one, it comes by here twice.
            if not any(raised[1] is earlier for earlier in met):
                met.append(raised[1])
                stop(thread, frame, frames, raised)

        def excepthook(*raised):
            try:
                # A fork has its parent's hook, and a debugger of its own or none.
                if pydevd.get_global_debugger() is database:
                    thread = threading.current_thread()
                    database.stop_on_unhandled_exception(
                        database, thread, set_additional_thread_info(thread), raised
                    )
            finally:
                original(*raised)

        database.do_stop_on_unhandled_exception = do_stop
        sys.excepthook = excepthook

    @staticmethod
    def hear_the_client(wish):
        """A client may say itself whether children are debugged: `"subProcess"` in its launch.json. And one that
        leaves is not there for what comes later."""
        from _pydevd_bundle.pydevd_process_net_command_json import PyDevJsonCommandProcessor

        original = PyDevJsonCommandProcessor._set_debug_options
        leave = PyDevJsonCommandProcessor.on_disconnect_request

        def on_disconnect_request(self, *args, **kwargs):
            wish.attended(False)
            return leave(self, *args, **kwargs)

        PyDevJsonCommandProcessor.on_disconnect_request = on_disconnect_request

        def set_debug_options(self, database, arguments, *args, **kwargs):
            wish.attended(True)
            wanted = arguments.get("subProcess")
            if wanted is not None:
                wish.follow_children(wanted)
            return original(self, database, arguments, *args, **kwargs)

        PyDevJsonCommandProcessor._set_debug_options = set_debug_options

    def tell_unattended(self):
        from _pydevd_bundle.pydevd_comm_constants import CMD_WRITE_TO_CONSOLE
        from _pydevd_bundle.pydevd_net_command import NetCommand

        event = {"type": "event", "seq": 0, "event": "amlDebugUnattended", "body": {}}
        self.database.writer.add_command(NetCommand(CMD_WRITE_TO_CONSOLE, 0, event, is_json=True))

    @staticmethod
    def _without_delay(pydevd):
        """debugpy writes a message in two pieces; without this each waits some 40 ms for the other side."""
        import socket

        original = pydevd.PyDB.initialize_network

        def initialize_network(self, sock, *args, **kwargs):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return original(self, sock, *args, **kwargs)

        pydevd.PyDB.initialize_network = initialize_network

    def _answer_a_listen_of_the_script(self):
        """A script that calls debugpy.listen() or connect() itself gets the server that is there."""
        address = ("127.0.0.1", self.port)
        self.debugpy.listen = lambda *_args, **_kwargs: address
        self.debugpy.connect = lambda *_args, **_kwargs: None
