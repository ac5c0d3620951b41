"""Explanations as pages of HTML, with formulas in MathML, which needs no script."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from html import escape

from chainrule.core.errors import MissingExtraError
from chainrule.core.html import escaped
from chainrule.explain.blocks import Block, Given, Matrix, Section, Sentence, Step
from chainrule.explain.expressions import Name, Ratio, by
from chainrule.explain.latex import name_latex
from chainrule.explain.markdown import sides_of
from chainrule.explain.naming import number_text, with_names
from chainrule.explain.writing import Pieces, terms

STYLE = """
.explanation { --ink: #1d2126; --back: #fff; --line: #cfd6dd; --result: #0b5a97;
  color: var(--ink); background: var(--back); max-width: 52rem; margin: 0 auto; padding: 1rem;
  font: 1rem/1.55 system-ui, "Segoe UI", Roboto, Arial, sans-serif; }
@media screen and (prefers-color-scheme: dark) {
  .explanation { --ink: #e7eaed; --back: #14171a; --line: #3b434b; --result: #7cc0f4; } }
.explanation h1 { font-size: 1.5rem; }
.explanation h2 { font-size: 1.25rem; margin-top: 2.2rem; border-bottom: 1px solid var(--line); }
.explanation h3 { font-size: 1.05rem; margin-top: 1.6rem; }
.explanation nav ul { padding-left: 1.2rem; }
.explanation nav a { color: var(--result); }
.explanation p { margin: .7rem 0 .3rem; }
.explanation .step { display: grid; grid-template-columns: max-content max-content 1fr;
  gap: .35rem .4rem; margin: .3rem 0 1rem 1rem; align-items: baseline; }
.explanation .step > :nth-child(3n) { min-width: 0; overflow-wrap: anywhere; }
.explanation .step math { math-style: normal; }
.explanation .step > div { padding: .1rem 0; }
.explanation .result { color: var(--result); font-weight: 600; }
.explanation .term { display: inline-block; }
.explanation .wide { display: inline-block; max-width: 100%; overflow: auto hidden;
  vertical-align: middle; padding: .3rem 0; }
.explanation .scroll { overflow-x: auto; margin: .3rem 0 1rem 1rem; }
.explanation table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.explanation th, .explanation td { padding: .1rem .7rem; text-align: right; font-weight: 400; }
.explanation thead :is(th, td) { border-bottom: 1px solid var(--line); }
@media (max-width: 30rem) {
  .explanation { padding: .6rem; }
  .explanation .step { grid-template-columns: max-content 1fr; margin-left: 0; }
  .explanation .step > :nth-child(3n+1) { grid-column: 1 / -1; }
  .explanation .step > :nth-child(3n+1):empty { display: none; }
  .explanation .scroll { margin-left: 0; } }
"""
"""Light and dark, for a phone as well; everything stands below one class, as in a notebook."""


def page(title: str, sections: Sequence[Section], digits: int) -> str:
    """The sections as a whole page.

    Raises:
        MissingExtraError: latex2mathml is not installed.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escaped(title)}</title>\n"
        "<style>body { margin: 0; }\n"
        "@media screen and (prefers-color-scheme: dark) {\n"
        "  body { background: #14171a; } }</style>\n"
        f"</head>\n<body>\n{fragment(title, sections, digits, tag='main')}\n</body>\n</html>\n"
    )


def fragment(title: str, sections: Sequence[Section], digits: int, tag: str = "div") -> str:
    """The sections as a part of a page, with its style.

    Raises:
        MissingExtraError: latex2mathml is not installed.
    """
    found = [f'<{tag} class="explanation"><style>{STYLE}</style>', f"<h1>{escaped(title)}</h1>"]
    whole = tag == "main"  # in a notebook two explanations would share the names of their parts
    found += _contents(sections) if whole else ()
    for k, section in enumerate(sections):
        level = section.level + 1
        name = f' id="part-{k}"' if whole and section.level == 1 else ""
        found.append(f"<h{level}{name}>{_sentence(section.title)}</h{level}>")
        for block in section.blocks:
            found += _block(block, digits)
    return "\n".join([*found, f"</{tag}>"])


def _contents(sections: Sequence[Section]) -> Iterator[str]:
    """Links to the parts."""
    yield '<nav aria-label="Parts"><ul>'
    for k, section in enumerate(sections):
        if section.level == 1:
            yield f'<li><a href="#part-{k}">{_sentence(section.title)}</a></li>'
    yield "</ul></nav>"


def _letter(found: re.Match[str]) -> str:
    return escape(chr(int(found[1], 16)))


_NEEDLESS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r' xmlns="[^"]*"| display="inline"', ""),
    (r"&#x([0-9A-F]+);", _letter),
    (r"<mrow>(<m[ino]>[^<]*</m[ino]>)</mrow>", r"\1"),
)
"""What latex2mathml writes and a page does not need, with what stands for it: a third of all."""

_FITS = 27
"""So many characters of a formula stand on a line of a phone."""


@lru_cache(maxsize=4096)  # a sign or a name is on many lines
def mathml(latex: str) -> str:
    """A formula of LaTeX as MathML.

    Raises:
        MissingExtraError: latex2mathml is not installed.
    """
    try:
        from latex2mathml.converter import convert
    except ImportError:
        raise MissingExtraError(
            "formulas in HTML need latex2mathml: pip install 'chainrule[report]'; --format "
            "markdown and text need nothing more"
        ) from None
    written: str = convert(latex)
    for pattern, by_what in _NEEDLESS:
        written = re.sub(pattern, by_what, written)
    return written


def _sentence(text: str) -> str:
    def named(name: Name | Ratio) -> str:
        return mathml(name_latex(name, inline=True))

    return with_names(text, lambda part: escaped(part, most=10**6), named)


def _block(block: Block, digits: int) -> Iterator[str]:
    if isinstance(block, Given):
        block = block.sentence(digits)
    if isinstance(block, Sentence):
        yield f"<p>{_sentence(block.text)}</p>"
        return
    if block.why:
        yield f"<p>{_sentence(block.why)}</p>"
    yield _matrix(block, digits) if isinstance(block, Matrix) else _step(block, digits)


def _step(step: Step, digits: int) -> str:
    """A step as a grid: the name, a sign, and what stands behind it, broken where it must."""
    sides = list(sides_of(step, digits))
    rows = []
    for k, (sign, pieces) in enumerate(sides):
        name = mathml(name_latex(step.result.name)) if k == 0 else ""
        is_result = k == len(sides) - 1
        inner = " ".join(_term(term, n) for n, term in enumerate(terms(pieces)))
        kind = ' class="result"' if is_result else ""
        rows.append(f"<div>{name}</div><div>{mathml(sign)}</div><div{kind}>{inner}</div>")
    return f'<div class="step">{"".join(rows)}</div>'


def _term(term: Pieces, n: int) -> str:
    """The pieces of a term, which a line breaks only where the term is longer than the line."""
    inner = " ".join(_piece(piece.text.strip(), n + k) for k, piece in enumerate(term))
    return f'<span class="term">{inner}</span>' if len(term) > 1 else inner


def _piece(latex: str, n: int) -> str:
    """A piece as a formula of its own, so that the line can be broken before its sign."""
    written = mathml(latex)
    is_sign = n and re.match(r"[-+/=]|\\cdot", latex)
    if is_sign:
        spaced = r'<mo form="infix">\1</mo><mspace width=".25em"/>'
        written = re.sub("<mo>(.*?)</mo>", spaced, written, count=1)
    if len(re.sub(r"\\[a-z]+|[{}^_ ]", "", latex)) <= _FITS:
        return written
    return (
        '<span class="wide" tabindex="0" role="group" aria-label="a long formula">'
        f"{written}</span>"
    )


def _matrix(matrix: Matrix, digits: int) -> str:
    rows, columns = matrix.kept
    name = mathml(name_latex(by(matrix.name) if matrix.gradient else matrix.name))
    heads = "".join(f'<th scope="col">{c + 1}</th>' for c in columns)
    lines = []
    for r in rows:
        label = f'<th scope="row">{r + 1}</th>' if matrix.values.ndim > 1 else "<td></td>"
        cells = "".join(
            f"<td>{number_text(float(matrix.cells[r, c]), digits)}</td>" for c in columns
        )
        lines.append(f"<tr>{label}{cells}</tr>")
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="numbers of a layer">'
        f"<table><thead><tr><td>{name}</td>{heads}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )
