"""How many threads a step runs on."""

import pytest

from chainrule import Dense, Network, Softmax
from chainrule.nn import Conv2D, Flatten
from chainrule.nn.kernels import threads as loops
from chainrule.training.engines.threads import (
    number_of_threads,
    on_threads,
    one_thread_is_best,
    products_are_small,
)


def network(inputs: int, hidden: int) -> Network:
    return Network([Dense(hidden, "tanh"), Dense(4), Softmax()], input=inputs)


@pytest.mark.parametrize(
    ("inputs", "hidden", "batch", "one"),
    [(400, 100, 32, True), (400, 100, 200, False), (3072, 500, 128, False), (3072, 50, 1, True)],
)
def test_the_largest_product_decides(inputs, hidden, batch, one):
    assert one_thread_is_best(network(inputs, hidden), batch) is one


def blas_threads() -> set[int]:
    from threadpoolctl import threadpool_info

    return {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}


def test_small_products_run_on_one_thread_and_the_number_is_put_back():
    before = blas_threads()
    with on_threads(number_of_threads(network(400, 100), 32)):
        assert blas_threads() == {1}
    assert blas_threads() == before


def test_scipys_own_products_are_limited_from_when_it_is_imported():
    with on_threads(1):  # looks for the libraries, perhaps before SciPy's is there
        pass
    import scipy.special  # noqa: F401

    with on_threads(1):
        assert blas_threads() == {1}


def test_large_products_keep_the_machines_threads():
    before = blas_threads()
    with on_threads(number_of_threads(network(1000, 1000), 128)):
        assert blas_threads() == before


def test_a_number_that_is_asked_for_is_taken():
    before = blas_threads()
    with on_threads(number_of_threads(network(1000, 1000), 128, 1)):
        assert blas_threads() == {1}
    assert blas_threads() == before
    assert number_of_threads(network(2, 3), 1, 2) == 2
    assert number_of_threads(network(2, 3), 1, "auto") == 1
    assert number_of_threads(network(1000, 1000), 128) == max(before)


def images(filters):
    layers = [Conv2D(filters, 3, padding="same"), Flatten(), Dense(2)]
    return Network(layers, input=[3, 16, 16], loss="mse")


def test_a_convolution_is_shared_where_the_products_of_numpy_are_not():
    assert products_are_small(images(32), 32)
    assert not one_thread_is_best(images(32), 32)
    assert one_thread_is_best(images(1), 8)
    with on_threads(2, 1):
        assert blas_threads() == {1}
        assert loops.number_of_threads() == 2
