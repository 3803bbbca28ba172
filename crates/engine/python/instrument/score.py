# >>> aml-debug: remote debugging; "aml-debug instrument --undo" takes it out again
# Whenever the scoring script is loaded, a debugger is awaited on port 5678 of the container for 30 seconds;
# when nobody has come in time, the script goes on by itself.
def _aml_debug():
    import os
    import threading

    # attend: wait
    # attend: has_come
    timeout = float(os.environ.get("AML_REMOTE_DEBUG_CONNECTION_TIMEOUT") or 30)
    port = int(os.environ.get("AML_REMOTE_DEBUG_PORT") or 5678)
    try:
        import debugpy

        debugpy.listen(("0.0.0.0", port))
    except Exception as error:  # it is not installed, or another worker is awaited there already
        print("Debugger attached = False ({}: {})".format(type(error).__name__, error), flush=True)
        return
    print("Waiting {:g} s for a debugger on port {}".format(timeout, port), flush=True)
    wait(debugpy, timeout)
    print("Debugger attached = {}".format(has_come(debugpy)), flush=True)


_aml_debug()
del _aml_debug
# <<< aml-debug
