"""What runs inside the sandbox: the standard library and NumPy alone, never the rest of chainrule.

The process that runs it is started by `chainrule.marking.sandbox.server` and loads this folder
under a name of its own, so these modules import each other relatively.
"""
