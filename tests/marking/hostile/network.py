"""Opens sockets of every kind."""

import socket


def attack():
    done = []
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
            try:
                socket.socket(family, kind).close()
                done.append(f"{family.name} {kind.name}")
            except OSError:
                continue
    try:
        socket.socketpair()
        done.append("socketpair")
    except OSError:
        pass
    try:
        socket.getaddrinfo("localhost", 80)
        done.append("names") if False else None
    except OSError:
        pass
    return "; ".join(done)
