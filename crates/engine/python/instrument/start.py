import os, runpy, socket, sys, threading, time
# attend: own_address
# attend: call
# attend: wait
# attend: has_come
def attend(timeout, port, rank):
    of = ", rank " + rank if rank else ""
    print("Timeout for debug connection: {:g}".format(timeout), flush=True)
    try:
        import debugpy
        there = os.environ.get("AML_REMOTE_DEBUG_CALL")
        if there:
            token, step = os.environ.pop("AML_REMOTE_DEBUG_TOKEN", ""), os.environ.get("AML_REMOTE_DEBUG_STEP")
            call(debugpy, there, timeout, (token, step or "-", rank or "-"))
        else:
            address = own_address(None)
            debugpy.listen((address, port))
    except Exception as error:
        return print("Debugger attached = False{} ({}: {})".format(of, type(error).__name__, error), flush=True)
    if not there:
        own = "remote_debug_rank: {}\n".format(rank) if rank else ""
        print("{}remote_debug_port: {}\nip_address: {}\n".format(own, port, address), end="", flush=True)
        wait(debugpy, timeout)
    print("Debugger attached = {}{}".format(has_come(debugpy), of), flush=True)
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
