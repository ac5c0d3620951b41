"""The arguments of a function as the keys of a configuration.

The signature and the docstring of a generator or a reader of data declare its settings once. A
configuration, its JSON Schema and a caller in Python all follow that declaration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, reduce, wraps
from inspect import Parameter, getdoc, signature
from operator import or_
from types import UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from pydantic import Field, create_model

from chainrule.core.errors import ConfigError, Problem, unknown
from chainrule.core.schema import Section, in_plain_values, validated

Rule = Callable[[Mapping[str, Any]], Iterator[tuple[tuple[str, ...], str]]]
"""A condition on several values; for each violation it yields the keys concerned and a message.

The problem is reported at the first of these keys that is written. A rule may be given values of
any type and ignores those that it cannot read, because the schema reports them."""

F = TypeVar("F", bound=Callable[..., Any])


class Arguments:
    """The arguments of a function as the keys of a `Section`.

    A key has the type and the default of its argument; its description is the argument's entry
    in the docstring. The first argument (``self``, or a random generator) is not a key.

    Args:
        function: a function, or a class, which stands for its constructor.
        rules: the conditions on several values.
        base: a section whose keys are added.
        fixed: the keys that have a single possible value, each with that value.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        rules: Sequence[Rule] = (),
        base: type[Section] = Section,
        fixed: Mapping[str, str] | None = None,
    ) -> None:
        self.function = function
        self.signature = signature(_called(function))
        self.rules = rules
        self.base = base
        self.fixed = dict(fixed or {})

    @cached_property
    def model(self) -> type[Section]:
        """The section, which is built at first use because that takes a while."""
        fields: dict[str, Any] = {
            key: (Literal[word], Field(description="the kind of data"))
            for key, word in self.fixed.items()
        }
        fields |= arguments_of(self.function, self.base)
        name = next(iter(self.fixed.values()), self.function.__name__)
        about = (getdoc(self.function) or "").partition("\n\n")[0]
        return create_model(name.title(), __base__=self.base, __doc__=about, **fields)

    def problems(self, written: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """The key and message of each broken rule; keys not written have their defaults."""
        values = {**self.model.defaults(), **written}
        for rule in self.rules:
            for keys, message in rule(values):
                yield next((key for key in keys if key in written), keys[0]), message

    def of_call(self, *positional: Any, **named: Any) -> tuple[Any, dict[str, Any]]:
        """The first argument of a call, and the others as the schema reads them.

        Raises:
            ConfigError: everything that is wrong with them; each problem names its argument.
        """
        known = list(self.signature.parameters)[1:]
        if foreign := [name for name in named if name not in known]:
            raise ConfigError([Problem(unknown("argument", n, known), key=n) for n in foreign])
        bound = self.signature.bind(*positional, **named)
        bound.apply_defaults()
        (_, first), *others = bound.arguments.items()
        defaults = self.signature.parameters
        written = in_plain_values(
            {k: v for k, v in others if not (v is None and defaults[k].default is None)}
        )
        read = self.model.model_validate
        found = validated(read, {**written, **self.fixed}, self.problems(written))
        return first, {key: getattr(found, key) if key in written else None for key, _ in others}


def checked(function: F, arguments: Arguments | None = None) -> F:
    """The function or class with all arguments but the first checked at every call."""
    called, declared = _called(function), arguments or Arguments(function)

    @wraps(called)
    def call(*positional: Any, **named: Any) -> Any:
        first, others = declared.of_call(*positional, **named)
        return called(first, **others)

    if not isinstance(function, type):
        return cast("F", call)
    function.__init__ = call  # type: ignore[misc]
    return function


def _called(function: Any) -> Any:
    """The function itself, or the constructor of a class."""
    return vars(function)["__init__"] if isinstance(function, type) else function


def arguments_of(function: Callable[..., Any], base: type[Section] = Section) -> dict[str, Any]:
    """The fields, for a model derived from ``base``, of all arguments but the first.

    Arguments that are fields of ``base`` already are left out.
    """
    about = _described_arguments(getdoc(function) or "")
    called = _called(function)
    hints = get_type_hints(called, include_extras=True)
    found = {}
    for name, parameter in list(signature(called).parameters.items())[1:]:
        if name in base.model_fields:
            continue
        default = parameter.default
        default = list(default) if isinstance(default, tuple) else default
        default = ... if default is Parameter.empty else default
        kind = _without_none(hints[name]) if default is None else hints[name]
        found[name] = (kind, Field(default, description=about.get(name)))
    return found


def _without_none(kind: Any) -> Any:
    """The type without None: a key with the default None may be left out but not be null."""
    kinds = [one for one in get_args(kind) if one is not type(None)]
    is_union = get_origin(kind) in (Union, UnionType)
    return reduce(or_, kinds) if is_union else kind


def _described_arguments(text: str) -> dict[str, str]:
    """The first sentence of a docstring about each argument or dataclass attribute."""
    _, *blocks = re.split(r"\n(?:Args|Attributes):\n", text, maxsplit=1)
    block = re.split(r"\n\S", "".join(blocks), maxsplit=1)[0]
    items = re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", block, re.MULTILINE)
    lines = {name: " ".join(about.split()).replace("`", "") for name, about in items}
    return {name: line.partition(". ")[0].removesuffix(".") for name, line in lines.items()}
