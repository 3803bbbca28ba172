import os, runpy, socket, sys, threading
def attend(timeout, port):
    print("Timeout for debug connection: {:g}".format(timeout))
    try:
        import debugpy
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.1", 9))  # asks for the way there and sends nothing
                address = probe.getsockname()[0]
            except OSError:
                address = (os.popen("hostname -I 2>&1").read().split() + ["127.0.0.1"])[0]
        debugpy.listen((address, port))
    except Exception as error:
        return print("Debugger attached = False ({}: {})".format(type(error).__name__, error), flush=True)
    print("remote_debug_port: {}\nip_address: {}".format(port, address), flush=True)
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
    print("Debugger attached = {}".format(debugpy.is_client_connected()), flush=True)
del sys.argv[0], os.environ["AML_DEBUG_START"]
rank = os.environ.get("LOCAL_RANK") or os.environ.get("OMPI_COMM_WORLD_LOCAL_RANK") or 0
attend(float(os.environ["AML_REMOTE_DEBUG_CONNECTION_TIMEOUT"]), int(os.environ["AML_REMOTE_DEBUG_PORT"]) + int(rank))
if sys.argv[0] == "-m":
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
else:
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    runpy.run_path(sys.argv[0], run_name="__main__")
