"""What courses ask for, as programs of NumPy lines, with the bugs that students make in them."""

from collections.abc import Callable, Mapping

from chainrule.marking.program import Program
from chainrule.marking.programs.networks import classifier

PROGRAMS: Mapping[str, Callable[..., Program]] = {
    "classifier": classifier,
}
"""The programs that a part of an assignment may name; its options are their arguments."""
