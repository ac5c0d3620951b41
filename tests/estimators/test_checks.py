"""Every check that scikit-learn has for estimators passes; none is expected to fail."""

from collections import Counter

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.utils.estimator_checks import check_estimator

from chainrule import Classifier, Regressor

MOST_SKIPPED = 3


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore")  # the checks pass data of which scikit-learn warns
@pytest.mark.parametrize(("kind", "checks"), [(Classifier, 67), (Regressor, 60)])
def test_every_check_passes(kind, checks):
    found = check_estimator(kind(), on_skip=None, on_fail=None)
    failed = [each for each in found if each["status"] not in ("passed", "skipped")]
    assert not failed, [(each["check_name"], each["exception"]) for each in failed]
    counts = Counter(each["status"] for each in found)
    assert counts["skipped"] <= MOST_SKIPPED
    assert len(found) >= checks
