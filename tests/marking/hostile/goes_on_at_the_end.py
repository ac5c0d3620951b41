"""Works on when the program ends: at exit, when objects are deleted, when modules are."""

import atexit
import threading
import weakref


def work(*_):
    while True:
        pass


class Deleted:
    __del__ = work


class Held:
    pass


HELD = Held()


def attack():
    atexit.register(work)
    threading._register_atexit(work)
    threading.Thread(target=work, daemon=False).start()
    weakref.finalize(HELD, work)
    globals()["left"] = Deleted()
    Deleted()
