"""The filter of system calls permits what it says, on both kinds of machine."""

import pytest

from chainrule.marking.sandbox.inside.syscalls import program

ALLOW, NOT_PERMITTED, NO_SUCH_CALL, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
OWN = 4242
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# numbers from the kernel's tables: x86_64, aarch64
READ, MMAP, FORK, CLONE, EXECVE = (0, 63), (9, 222), (57, None), (56, 220), (59, 221)
SOCKET, PTRACE, PRLIMIT = (41, 198), (101, 117), (302, 261)
KILL_CALL, TGKILL = (62, 129), (234, 131)
IO_URING, UNSHARE, MEMORY_OF_OTHERS, FCNTL = (425, 425), (272, 97), (310, 270), (72, 25)


def answer(machine, number, *arguments, architecture=None):
    """What the filter says of a call: the program is run as the kernel does."""
    data = {0: number, 4: architecture or MACHINES[machine]}
    data |= {16 + 8 * k: value & 0xFFFFFFFF for k, value in enumerate(arguments)}
    instructions, at, loaded = program(machine, OWN), 0, 0
    while True:
        code, true, false, value = instructions[at]
        at += 1
        if code == 0x06:
            return value
        if code == 0x20:
            loaded = data.get(value, 0)
            continue
        holds = {0x15: loaded == value, 0x25: loaded > value, 0x45: bool(loaded & value)}[code]
        at += true if holds else false


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_and_their_arguments_are_judged(machine):
    k = list(MACHINES).index(machine)

    def of(call, *arguments):
        return answer(machine, call[k], *arguments)

    assert of(READ, 0) == of(MMAP, 0) == ALLOW
    for call in (EXECVE, SOCKET, PTRACE, IO_URING, UNSHARE, MEMORY_OF_OTHERS):
        assert of(call, 0) == NOT_PERMITTED, call
    assert of(CLONE, 0x3D0F00) == ALLOW  # a thread
    assert of(CLONE, 17) == NOT_PERMITTED
    for call in (KILL_CALL, TGKILL, PRLIMIT):
        assert of(call, OWN, OWN) == ALLOW
        assert of(call, OWN + 1, OWN) == of(call, -1 & 0xFFFFFFFF) == NOT_PERMITTED
    assert of(FCNTL, 3, 3) == ALLOW
    assert of(FCNTL, 3, 8) == NOT_PERMITTED  # whom a file's signals are sent to
    assert answer(machine, 435, 0) == answer(machine, 9_999) == NO_SUCH_CALL
    assert answer(machine, READ[k], architecture=0x40000003) == KILL


def test_a_fork_by_its_old_number_and_calls_of_the_other_table_are_refused():
    assert answer("x86_64", FORK[0]) == NOT_PERMITTED
    assert answer("x86_64", 0x40000000) == NO_SUCH_CALL  # read, by the table of short pointers


def test_a_machine_without_a_table_has_no_filter():
    with pytest.raises(OSError, match="no table of system calls for riscv64"):
        program("riscv64", OWN)
