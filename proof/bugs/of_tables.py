"""Bugs of tables: which column is which, what a cell stands for, and which case is in which part."""

from __future__ import annotations

from proof.bugs.bug import Bug, Edit

ENCODING, LOADING, NOTATION = (
    "data/tables/encoding.py", "data/tables/loading.py", "data/tables/notation.py"
)  # fmt: skip
FITTING = "data/tables/fitting.py"
DIGESTS, DATA, RUN = "data/digests.py", "data/dataset.py", "runs/run.py"

ENCODED = ("data/tables/test_encoding.py",)
LOADED = ("data/tables/test_tables_of_a_configuration.py",)
CHANGED = ("runs/test_changed_data.py",)

BUGS = (
    Bug(
        "columns taken by position where names are known",
        (
            Edit(
                ENCODING,
                "if self.has_names and table.has_names:",
                "if self.has_names and table.has_names and len(self.columns) != len(table.names):",
            ),
        ),
        tests=ENCODED,
    ),
    Bug(
        "what stands for a missing cell computed on all rows",
        (Edit(FITTING, "fill=_fill(column.take(train), ", "fill=_fill(column, "),),
        tests=ENCODED,
    ),
    Bug(
        "categories in the order of their appearance",
        (
            Edit(
                FITTING,
                "    return sorted(words) if column.is_text else words",
                "    return words",
            ),
        ),
        tests=ENCODED,
    ),
    Bug(
        "a missing cell taken for the last category",
        (Edit(ENCODING, "np.append(codes, fill)[which]", "codes[which]"),),
        tests=ENCODED,
    ),
    Bug(
        "a new category counted as the first",
        (Edit(ENCODING, "index.get(word, beyond)", "index.get(word, 0)"),),
        tests=ENCODED,
    ),
    Bug(
        "one-hot inputs in the order of a later file's categories",
        (
            Edit(
                ENCODING,
                "    index = {category: k for k, category in enumerate(column.categories)}\n"
                "    words, which = values.distinct()\n",
                "    words, which = values.distinct()\n"
                "    known = [word for word in words if word in column.categories]\n"
                "    known += [word for word in column.categories if word not in known]\n"
                "    index = {category: k for k, category in enumerate(known)}\n",
            ),
        ),
        tests=ENCODED,
    ),
    Bug(
        "a group divided between the parts",
        (
            Edit(
                "data/tables/dividing.py",
                "_, groups = whole[roles.group].distinct()",
                "groups = np.arange(len(whole))",
            ),
        ),
        tests=LOADED,
    ),
    Bug(
        "the latest cases trained on and the earliest tested",
        (
            Edit(
                LOADING,
                'return np.argsort(keys, kind="stable")',
                'return np.argsort(keys, kind="stable")[::-1]',
            ),
        ),
        tests=LOADED,
    ),
    Bug(
        "weights of a table not following their cases",
        (Edit(DATA, "else self.weights[cases]", "else self.weights[: len(cases)]"),),
        tests=LOADED,
    ),
    Bug(
        "zeros at the beginning of a label lost",
        (Edit(LOADING, "if table[n].has_leading_zeros]", "if table[n].is_text]"),),
        tests=LOADED,
    ),
    Bug(
        "the mark of thousands taken for the decimal mark",
        (Edit(NOTATION, 'plain = plain.replace(mark, "")', 'plain = plain.replace(mark, ".")'),),
        tests=("data/readers/test_delimited.py",),
    ),
    Bug(
        "digests of cases that ignore the target",
        (Edit(DIGESTS, "    digests += _sums(t, first=x[:1].size)\n", ""),),
        tests=("data/test_digests.py",),
    ),
    Bug(
        "one place for all equal cases of changed data",
        (
            Edit(
                DIGESTS,
                "place = np.searchsorted(found, wanted) + rank",
                "place = np.searchsorted(found, wanted)",
            ),
        ),
        tests=("data/test_digests.py",),
    ),
    Bug(
        "classes derived again from changed data",
        (
            Edit(
                RUN,
                "resolve_data(raw, encoding=encoding, classes=classes",
                "resolve_data(raw, encoding=encoding, classes=None",
            ),
        ),
        tests=CHANGED,
    ),
)
