# >>> aml-debug: remote debugging; "aml-debug instrument --undo" takes it out again
# Whenever the scoring script is loaded, a debugger is awaited on port 5678 of the container for 30 seconds;
# when nobody has come in time, the script goes on by itself.
def _aml_debug():
    import os
    import threading

    timeout = float(os.environ.get("AML_REMOTE_DEBUG_CONNECTION_TIMEOUT") or 30)
    port = int(os.environ.get("AML_REMOTE_DEBUG_PORT") or 5678)
    try:
        import debugpy

        debugpy.listen(("0.0.0.0", port))
    except Exception as error:  # it is not installed, or another worker is awaited there already
        print("Debugger attached = False ({}: {})".format(type(error).__name__, error), flush=True)
        return
    print("Waiting {:g} s for a debugger on port {}".format(timeout, port), flush=True)
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


_aml_debug()
del _aml_debug
# <<< aml-debug
