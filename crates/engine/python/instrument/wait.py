# >>> aml-debug: the wait for a debugger ends by itself; "aml-debug instrument --undo" takes it out again
_aml_debug = __import__("threading").Timer(SECONDS, lambda: WAIT.cancel())
_aml_debug.daemon = True
_aml_debug.start()
# <<< aml-debug
