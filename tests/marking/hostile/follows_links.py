"""Reads what links in its own folder point to; the marker's folder has been linked there."""


def attack():
    seen = []
    for name in ("link.txt", "folder/two_layernet.py"):
        try:
            with open(name) as file:
                seen.append(file.read(40))
        except OSError:
            continue
    return "; ".join(seen)
