import os, runpy, socket, sys, threading, time
def call(debugpy, there, seconds, rank):
    host, port = there.rsplit(":", 1)
    ends = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), 5).close()
            break
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(1)
    debugpy.configure(subProcess=False)
    def go_on():  # connect() itself waits for the debugger, and has no end of its own
        for _ in range(100):
            if sys.modules["pydevd"].get_global_debugger():
                sys.modules["pydevd"].get_global_debugger().ready_to_run = True
                return
            time.sleep(0.1)
    timer = threading.Timer(ends - time.monotonic(), go_on)
    timer.daemon = True
    timer.start()
    who = os.environ.get("AML_REMOTE_DEBUG_STEP") or "-", rank or "-"
    debugpy.connect((host.strip("[]"), int(port)), access_token=" ".join((os.environ.pop("AML_REMOTE_DEBUG_TOKEN", ""),) + who))
    timer.cancel()
def attend(timeout, port, rank):
    of = ", rank " + rank if rank else ""
    print("Timeout for debug connection: {:g}".format(timeout), flush=True)
    try:
        import debugpy
        there = os.environ.get("AML_REMOTE_DEBUG_CALL")
        if there:
            call(debugpy, there, timeout, rank)
        else:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                try:
                    probe.connect(("192.0.2.1", 9))  # asks for the way there and sends nothing
                    address = probe.getsockname()[0]
                except OSError:
                    address = (os.popen("hostname -I 2>&1").read().split() + ["127.0.0.1"])[0]
            debugpy.listen((address, port))
    except Exception as error:
        return print("Debugger attached = False{} ({}: {})".format(of, type(error).__name__, error), flush=True)
    if not there:
        own = "remote_debug_rank: {}\n".format(rank) if rank else ""
        print("{}remote_debug_port: {}\nip_address: {}\n".format(own, port, address), end="", flush=True)
        timer = threading.Timer(timeout, lambda: debugpy.wait_for_client.cancel())
        timer.daemon = True
        timer.start()
        debugpy.wait_for_client()
        timer.cancel()
    if not debugpy.is_client_connected():
        # Nobody will attend to its child processes either, and one that waits for a debugger waits for ever.
        try:
            from _pydev_bundle import pydev_monkey

            pydev_monkey._get_apply_arg_patching = lambda: False
        except ImportError:  # another debugpy
            pass
    print("Debugger attached = {}{}".format(debugpy.is_client_connected(), of), flush=True)
del sys.argv[0], os.environ["AML_DEBUG_START"]
rank = os.environ.get("RANK") or os.environ.get("OMPI_COMM_WORLD_RANK")
beside = os.environ.get("LOCAL_RANK") or os.environ.get("OMPI_COMM_WORLD_LOCAL_RANK") or 0
chosen = os.environ.get("AML_REMOTE_DEBUG_RANK")
if chosen and rank is None:
    print("Debugger attached = False (rank {} is chosen, and this process has none)".format(chosen), flush=True)
elif not chosen or rank in chosen.split(","):
    attend(float(os.environ["AML_REMOTE_DEBUG_CONNECTION_TIMEOUT"]), int(os.environ["AML_REMOTE_DEBUG_PORT"]) + int(beside), rank)
if sys.argv[0] == "-m":
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
else:
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    runpy.run_path(sys.argv[0], run_name="__main__")
