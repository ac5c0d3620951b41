"""The columns of a table in C: a struct for a row, and the function that encodes it."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.data.tables.encoding import TableEncoding
from chainrule.data.tables.fitting import InputColumn
from chainrule.runs.export.c_text import identifier, in_comment, string

_FIND = """\
/* The place of a word among the categories; -1 if it is missing, count if it is none of them */
static long @find(const char *word, const char *const *words, long count)
{
    long k = 0;
    if (!word)
        return -1;
    while (k < count && strcmp(word, words[k]))
        k++;
    return k == count && !*word ? -1 : k;
}
"""


def needs_strings(encoding: TableEncoding | None) -> bool:
    """Whether ``encode`` compares words."""
    return encoding is not None and any(c.kind != "number" for c in encoding.inputs)


def encoder(encoding: TableEncoding) -> Iterator[str]:
    """The struct of a row, what is known of its columns, and ``encode``.

    Nothing, where all columns are numbers that are inputs as they are.
    """
    columns = encoding.inputs
    if all(c.kind == "number" and c.fill is None for c in columns):
        return
    taken: set[str] = set()
    names = [identifier(column.name, taken) for column in columns]
    has_words = needs_strings(encoding)
    kinds = ["real " if column.kind == "number" else "const char *" for column in columns]
    fields = [
        f"    {kind}{name}; /* {in_comment(column.name)} */"
        for kind, column, name in zip(kinds, columns, names, strict=True)
    ]
    yield (
        "/* A row of the table; NAN is a missing number, 0 or an empty text a missing word. */\n"
        "struct @row {\n" + "\n".join(fields) + "\n};\n\n"
        "int @encode(const struct @row *row, real *x);\n"
    )
    if has_words:
        yield _FIND
    for column, name in zip(columns, names, strict=True):
        if column.kind != "number":
            words = ",\n".join(f"    {string(word)}" for word in column.categories)
            size = len(column.categories)
            yield f"static const char *const @{name}_categories[{size}] = {{\n{words}\n}};\n"
    body: list[str] = []
    start = 0
    for k, (column, name) in enumerate(zip(columns, names, strict=True), start=1):
        refuse_new = encoding.new_categories == "error"
        own = _number if column.kind == "number" else _category
        body += own(column, name, start, k, refuse_new)
        start += column.width
    variables = ["    long k;"] if has_words else []
    variables += ["    int missing;"]
    statements = "\n".join([*variables, *(f"    {line}" for line in body)])
    yield (
        "/* The inputs x of predict for a row. Returns 0, or the number, from 1, of a column\n"
        " * that the network cannot take: its cell is missing, or a category that is new. */\n"
        f"int @encode(const struct @row *row, real *x)\n{{\n{statements}\n    return 0;\n}}\n"
    )


def _number(column: InputColumn, name: str, start: int, k: int, refuse_new: bool) -> Iterator[str]:
    yield f"missing = row->{name} != row->{name};"
    if column.fill is None:
        yield f"if (missing)\n        return {k};"
        yield f"x[{start}] = row->{name};"
    else:
        yield f"x[{start}] = missing ? {float(column.fill)!r}R : row->{name};"
    if column.has_indicator:
        yield f"x[{start + 1}] = (real)missing;"


def _category(
    column: InputColumn, name: str, start: int, k: int, refuse_new: bool
) -> Iterator[str]:
    count = len(column.categories)
    yield f"k = @find(row->{name}, @{name}_categories, {count});"
    yield "missing = k < 0;"
    if refuse_new:
        yield f"if (k == {count})\n        return {k};"
    if column.on_missing in ("error", "drop"):
        yield f"if (missing)\n        return {k};"
    else:
        place = count if column.fill is None else column.categories.index(str(column.fill))
        yield f"k = missing ? {place} : k;"
    if column.kind == "integer":
        yield f"x[{start}] = (real)k;"
    else:
        yield f"for (long c = 0; c < {count}; c++)\n        x[{start} + c] = c == k;"
    if column.has_indicator:
        yield f"x[{start + column.width - 1}] = (real)missing;"
