"""Networks as scikit-learn's estimators: `Classifier` and `Regressor`.

They follow scikit-learn's conventions, so that they work in its pipelines, searches and
cross-validations; scikit-learn is the extra ``sklearn``.
"""

from importlib.metadata import PackageNotFoundError, version

from chainrule.core.registry import missing_extra

LEAST_SKLEARN = (1, 6)
"""The first version whose estimators describe themselves by ``__sklearn_tags__``."""

try:
    found = version("scikit-learn")
except PackageNotFoundError:
    what = "chainrule.Classifier, as chainrule.Regressor,"
    raise missing_extra(what, "sklearn", "scikit-learn") from None
if tuple(map(int, found.split(".")[:2])) < LEAST_SKLEARN:
    raise ImportError(
        f"the estimators need scikit-learn {'.'.join(map(str, LEAST_SKLEARN))} or newer, found "
        f"{found}; install it with: pip install -U scikit-learn"
    )
