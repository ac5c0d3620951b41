"""What a server of the page answers: passes by what they depend on, and exact numbers of them.

Nothing of the page is kept: each request names its pass in full, so that several pages, links and
undoing need nothing here. A few passes are kept because the next request is often of the same.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from threading import Lock
from typing import Annotated, TypeVar

import numpy as np
from pydantic import Field, ValidationError

from chainrule.core.errors import ShapeError, unknown
from chainrule.inspector.check import gradient_check
from chainrule.inspector.edits import Checked, Name, PassWanted, edited
from chainrule.inspector.inspected import Inspected
from chainrule.inspector.live import Live
from chainrule.inspector.packing import packed
from chainrule.inspector.planes import PlaneWanted, plane

OF_A_PASS = tuple(PassWanted.model_fields)

Form = TypeVar("Form", bound=Checked)

MOST_PASSES = 6
MOST_KEPT = 40_000_000
"""So many numbers, 320 MB, are kept of all passes but the last."""

MOST_REGIONS = 200
MOST_ALONG = 8
"""So many regions are asked for together with a pass at most."""

MOST_SENT = 4_000_000
"""The most numbers that one request asks for exactly."""

End = Annotated[int, Field(ge=0)]


class Wanted(Checked):
    """A region of an array: on each axis an index, a half-open range, or None for all of it."""

    key: Name
    region: Annotated[list[End | tuple[End, End] | None], Field(max_length=8)]


class NumbersWanted(Checked):
    """Regions of the arrays of a pass."""

    of: PassWanted
    wanted: Annotated[list[Wanted], Field(max_length=MOST_REGIONS)]


class PassAsked(PassWanted):
    """A pass, and regions of its arrays that the page will look at.

    Those that are not within its arrays are left out: they were of another pass.
    """

    also: Annotated[list[Wanted], Field(max_length=MOST_ALONG, default_factory=list)]

    @property
    def of(self) -> PassWanted:
        """The pass alone, already checked."""
        return PassWanted.model_construct(**{name: getattr(self, name) for name in OF_A_PASS})


class Session:
    """The passes of a network with some cases.

    Attributes:
        base: what there is before anything is edited.
        answers: by path, what answers the body of a request.
        streams: by path, what sends parts as they come.
    """

    def __init__(self, base: Inspected, live: Live | None = None) -> None:
        self.base = base
        self._live = live
        self.answers: Mapping[str, Callable[[bytes], bytes]] = {
            "/pass": self._pass,
            "/numbers": self._numbers,
            "/plane": self._plane,
            "/check": self._check,
        }
        self.streams: Mapping[str, Callable[[], Iterator[bytes]]] = {}
        if live is not None:
            self.answers = {**self.answers, "/stop": self._stop}
            self.streams = {"/live": live.events}
        self._passes: OrderedDict[str, Inspected] = OrderedDict()
        self._lock, self._checking = Lock(), Lock()

    def passed(self, wanted: PassWanted) -> Inspected:
        """The pass that is wanted, computed unless it is kept.

        Raises:
            ChainruleError: an edit does not fit.
        """
        key = wanted.model_dump_json()
        with self._lock:  # one at a time: two at once would only take each other's processor
            if key not in self._passes:
                made = edited(self.base, wanted)
                made.record  # noqa: B018 - computed here, while no other is
                self._passes[key] = made
            self._passes.move_to_end(key)
            self._forget()
            return self._passes[key]

    def _forget(self) -> None:
        """Let the oldest passes go, so that neither many nor too many numbers are kept."""
        while len(self._passes) > 1 and (
            len(self._passes) > MOST_PASSES or sum(map(_size, self._passes.values())) > MOST_KEPT
        ):
            self._passes.popitem(last=False)

    def _pass(self, body: bytes) -> bytes:
        """A pass: its scene, if it is not the first one's, its loss, and all its arrays.

        The regions that come along have their places in the request as keys.
        """
        asked = _read(PassAsked, body)
        wanted = asked.of
        found = self.passed(wanted)
        is_first = not wanted.edits and wanted.keeps_scene
        header = {
            "scene": None if wanted.keeps_scene and not is_first else found.scene,
            "loss": found.record.loss if np.isfinite(found.record.loss) else None,
        }
        arrays = {key: one.values for key, one in found.record.entries.items()}
        along = {}
        for n, one in enumerate(asked.also):
            with suppress(KeyError, ShapeError):
                along[str(n)] = arrays[one.key][_slices(one, arrays[one.key].shape)]
        return packed(header, {**arrays, **along})

    def _numbers(self, body: bytes) -> bytes:
        """Regions of arrays of a pass, exactly, by their place in the request."""
        asked = _read(NumbersWanted, body)
        record, found = self.passed(asked.of).record, {}
        for n, one in enumerate(asked.wanted):
            if one.key not in record.entries:
                raise ShapeError(unknown("array", one.key, record.entries))
            found[str(n)] = record[one.key][_slices(one, record[one.key].shape)]
        if sum(part.size for part in found.values()) > MOST_SENT:
            raise ShapeError(f"at most {MOST_SENT:,} numbers are sent at once; ask for fewer")
        return packed({}, found, exact=True)

    def _plane(self, body: bytes) -> bytes:
        """What layers give at every point of a plane of two inputs, by the name of the layer."""
        asked = _read(PlaneWanted, body)
        made = edited(self.base, asked.of.model_copy(update={"only": None, "bugs": []}))
        return packed({}, plane(made.network, made.x, asked))

    def _check(self, body: bytes) -> bytes:
        """The gradients of a pass, right or wrong, held against the loss itself."""
        found = self.passed(_read(PassWanted, body))
        with self._checking:  # it takes a while, and only one has the processor's threads
            rows = gradient_check(found.record)
        return packed({"rows": [row.told() for row in rows]}, {})

    def _stop(self, body: bytes) -> bytes:
        """End the training that is followed."""
        if self._live is not None:
            self._live.stop()
        return packed({}, {})

    @property
    def ending(self) -> str:
        """How the training that is followed has ended, in words; empty without one."""
        return "" if self._live is None else self._live.film.text

    def close(self) -> None:
        """End what belongs to the session: the training that is followed."""
        if self._live is not None:
            self._live.close()


def _size(one: Inspected) -> int:
    return sum(entry.values.size for entry in one.record.entries.values())


def _slices(wanted: Wanted, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """The region as slices, so that it keeps every axis.

    Raises:
        ShapeError: it is not within the array.
    """
    if len(wanted.region) != len(shape):
        raise ShapeError(f"a region of {wanted.key} has {len(shape)} axes")
    found = []
    for one, size in zip(wanted.region, shape, strict=True):
        start, stop = (one, one + 1) if isinstance(one, int) else one or (0, size)
        if not start <= stop <= size:
            raise ShapeError(f"{wanted.key} has the shape {shape}, found {start} to {stop}")
        found.append(slice(start, stop))
    return tuple(found)


def _read(form: type[Form], body: bytes) -> Form:
    """The body of a request, in the form that is expected.

    Raises:
        ShapeError: it has another.
    """
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ShapeError(f"{place}: {first['msg']}" if place else first["msg"]) from None
