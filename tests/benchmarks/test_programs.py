"""Every program of the benchmarks trains the same network: the losses of the numpy engine."""

import numpy as np
import pytest
from benchmarks.against_peers import largest_difference
from benchmarks.programs import PROGRAMS, make, reason_against
from benchmarks.runners import InProcess
from benchmarks.workloads import Workload, make_problem

pytestmark = pytest.mark.exhaustive

TINY = {
    "shuffled": Workload("tiny", (6, 5, 4, 3), "tanh", 4, 5, penalty=0.1),
    "relu": Workload("tiny", (6, 5, 3), "relu", 4, 5, penalty=0.1),
    "one case": Workload("tiny", (6, 5, 3), "sigmoid", 1, 8, shuffled=False, ones=0.25),
    "full": Workload("tiny", (2, 5, 3), "relu", 7, 6, penalty=0.1, full=True),
}
# It compiles for several seconds, and once more for each network.
SLOW = {"torch compiled"}


def losses_of(name, problem):
    steps = problem.workload.steps
    run = make(name, problem)
    return np.concatenate([run(0, 2), run(2, steps)])


@pytest.mark.parametrize("kind", TINY)
@pytest.mark.parametrize("name", [n for n in PROGRAMS if n not in SLOW | {"chainrule numpy"}])
def test_the_losses_are_the_numpy_engines(name, kind):
    if why := reason_against(name):
        pytest.skip(why)
    problem = make_problem(TINY[kind])
    expected = losses_of("chainrule numpy", problem)
    np.testing.assert_allclose(losses_of(name, problem), expected, rtol=0, atol=1e-13)


def test_the_data_are_the_same_each_time():
    one, other = (make_problem(TINY["shuffled"]) for _ in range(2))
    np.testing.assert_array_equal(one.x, other.x)
    np.testing.assert_array_equal(one.order, other.order)


def test_operations_are_counted_by_hand():
    # 2·3 and 3·4 weights: forward 18, gradients 18, δ through the second 12, for 5 cases; the
    # update of 18 weights and 7 biases.
    workload = Workload("tiny", (2, 3, 4), "relu", 5, 1)
    assert workload.operations == 2 * 5 * (18 + 18 + 12) + 2 * (18 + 7)


def test_another_training_is_refused():
    problem = make_problem(TINY["relu"])
    run = make("NumPy", problem)
    runners = {
        ("chainrule numpy", 1): InProcess(make("chainrule numpy", problem), 1),
        ("NumPy", 1): InProcess(lambda first, last: run(first, last) + 1e-9, 1),
    }
    with pytest.raises(SystemExit, match="losses of NumPy differ by"):
        largest_difference(runners, problem)
