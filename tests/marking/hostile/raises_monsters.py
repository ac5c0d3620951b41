"""Raises what no handler expects."""


class Monster(BaseException):
    def __str__(self):
        raise Monster

    __repr__ = __str__

    @property
    def __traceback__(self):
        while True:
            pass


def attack():
    raise Monster
