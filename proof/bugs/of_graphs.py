"""Bugs of networks that branch."""

from __future__ import annotations

from dataclasses import replace

from proof.bugs.bug import Bug, Edit

NETWORK, JOIN = "nn/network.py", "nn/layers/join.py"

SUM = "received[source] = received[source] + part if source in received else part"

TESTS = ("nn/layers/test_join.py", "nn/test_graph_networks.py")
"""Those that run what is changed here."""

_BUGS = (
    Bug(
        "value used twice receives the last gradient only",
        (Edit(NETWORK, SUM, "received[source] = part"),),
    ),
    Bug(
        "value used twice receives the first gradient only",
        (Edit(NETWORK, SUM, "received.setdefault(source, part)"),),
    ),
    Bug(
        "parts of a join sent back to the wrong sources",
        (
            Edit(
                NETWORK,
                "for source, part in zip(sources, layer.part(J), strict=True):",
                "parts = layer.part(J)\n"
                "                if len({p.shape for p in parts}) == 1 and layer.type == 'concatenate':\n"
                "                    parts = parts[::-1]\n"
                "                for source, part in zip(sources, parts, strict=True):",
            ),
        ),
    ),
    Bug(
        "a sum's gradient shared out among its terms",
        (
            Edit(
                JOIN,
                "return np.concatenate([g] * self.terms, axis=1, out=out)",
                "return np.concatenate([g / self.terms] * self.terms, axis=1, out=out)",
            ),
        ),
    ),
    Bug(
        "reordered numbers not put back in order",
        (Edit(JOIN, "out[:, self.order] = g", "out[...] = g[:, self.order]"),),
    ),
    Bug(
        "branches share the buffer of the gradient with respect to the input",
        (
            Edit(
                "nn/network.py",
                "self.context.is_chain = self.graph.is_chain",
                "self.context.is_chain = True",
            ),
        ),
    ),
)

BUGS = tuple(replace(bug, tests=TESTS) for bug in _BUGS)
