"""Several threads that use one network: each gets its own numbers, or is refused."""

from __future__ import annotations

import copy
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import Network, gradients
from chainrule.core.errors import OtherThreadError
from chainrule.training import Callback, Row, Trainer
from chainrule.training.tracing import trace

CASES = 16
ROUNDS = 25
IMAGE = [1, 12, 12]
HEAD = [{"type": "flatten"}, {"size": 3}, "softmax"]

NETWORKS: dict[str, dict[str, Any]] = {
    "dense": {"input": 30, "layers": [{"size": 60, "activation": "gelu"}, {"size": 3}, "softmax"]},
    "graph": {
        "input": 30,
        "layers": [
            {"size": 30, "name": "a"},
            {"size": 30, "name": "b"},
            {"type": "add", "inputs": ["a", "b"]},
            {"size": 3},
            "softmax",
        ],
    },
    "recurrent": {
        "input": [8, 3],
        "layers": [{"type": "recurrent", "size": 16}, {"size": 3}, "softmax"],
    },
    "convolution": {
        "input": IMAGE,
        "layers": [
            {"type": "conv2d", "filters": 16, "size": 5, "padding": "same"},
            {"type": "max_pool2d", "size": 2},
            *HEAD,
        ],
    },
    "local": {
        "input": IMAGE,
        "layers": [
            {"type": "locally_connected2d", "filters": 4, "size": 3},
            {"type": "average_pool2d", "size": 2},
            *HEAD,
        ],
    },
}


@pytest.fixture(autouse=True)
def _often_switched() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def network_and_cases(kind: str) -> tuple[Network, list[np.ndarray], np.ndarray]:
    """A network, inputs for four threads, and targets that all of them use."""
    network = Network.from_config(NETWORKS[kind], seed=3)
    rng = np.random.default_rng(1)
    inputs = [rng.normal(size=(CASES, *network.input_shape)) for _ in range(4)]
    steps = network.input_shape[:1] if kind == "recurrent" else ()
    return network, inputs, rng.integers(0, 3, (CASES, *steps))


def in_four_threads(work: Callable[[int], None]) -> None:
    """Do ``work`` in four threads at once; what one of them raises is raised here."""
    raised: list[BaseException] = []

    def keep_what_is_raised(k: int) -> None:
        try:
            work(k)
        except BaseException as error:  # raised below
            raised.append(error)

    threads = [threading.Thread(target=keep_what_is_raised, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


@pytest.mark.parametrize("kind", NETWORKS)
def test_each_thread_gets_the_outputs_of_its_own_inputs(kind: str) -> None:
    network, inputs, t = network_and_cases(kind)
    outputs = [network.forward_pass(x) for x in inputs]
    losses = [network.loss(x, t) for x in inputs]
    at_theta = network.theta.copy()

    def work(k: int) -> None:
        for _ in range(ROUNDS):
            np.testing.assert_array_equal(network.forward_pass(inputs[k]), outputs[k])
            assert network.loss(inputs[k], t) == losses[k]
            assert network.loss(inputs[k], t, at_theta) == pytest.approx(losses[k], rel=1e-12)
            prepared = network.prepare_inputs(inputs[k])
            np.testing.assert_allclose(network.evaluate(prepared)[1], outputs[k], rtol=1e-12)

    in_four_threads(work)


@pytest.mark.parametrize("kind", NETWORKS)
def test_threads_that_hold_the_lock_get_their_own_gradients(kind: str) -> None:
    network, inputs, t = network_and_cases(kind)
    wanted = []
    for x in inputs:
        network.forward_pass(x)
        wanted.append(network.backward_pass(t).vector.copy())

    def work(k: int) -> None:
        for _ in range(ROUNDS):
            with network.lock:
                network.forward_pass(inputs[k])
                found = network.backward_pass(t, to_input=True).vector
                np.testing.assert_array_equal(found, wanted[k])

    in_four_threads(work)


def test_without_the_lock_gradients_are_right_or_refused() -> None:
    network, inputs, t = network_and_cases("convolution")
    wanted = []
    for x in inputs:
        network.forward_pass(x)
        wanted.append(copy.deepcopy(network).backward_pass(t).vector)
    refused, all_went_forward = [], threading.Barrier(4)

    def work(k: int) -> None:
        for _ in range(ROUNDS):
            network.forward_pass(inputs[k])
            all_went_forward.wait()
            try:
                found = network.backward_pass(t).vector
            except OtherThreadError as error:
                refused.append(str(error))
            else:
                np.testing.assert_array_equal(found, wanted[k])

    in_four_threads(work)
    assert refused
    assert "with network.lock:" in refused[0]


def test_a_backward_pass_follows_a_forward_pass_of_its_own_thread() -> None:
    network, inputs, t = network_and_cases("dense")
    network.forward_pass(inputs[0])
    refused = []

    def go_back() -> None:
        try:
            network.backward_pass(t)
        except OtherThreadError as error:
            refused.append(error)

    thread = threading.Thread(target=go_back)
    thread.start()
    thread.join()
    assert refused


def test_what_a_thread_that_has_ended_did_is_in_nobodys_way() -> None:
    network, inputs, t = network_and_cases("dense")

    def train() -> None:
        network.forward_pass(inputs[0])
        network.backward_pass(t)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    network.forward_pass(inputs[1])
    assert np.abs(network.backward_pass(t).vector).max() > 0


def test_a_network_of_one_thread_is_nobodys_else_while_others_start() -> None:
    stop = threading.Event()

    def start_threads() -> None:
        while not stop.is_set():
            thread = threading.Thread(target=lambda: None)
            thread.start()
            thread.join()

    starting = threading.Thread(target=start_threads)
    starting.start()
    try:
        for _ in range(200):
            network = Network.from_config({"input": 2, "layers": [{"size": 1}]})
            network.forward_pass(np.ones((1, 2)))
            network.backward_pass([[1.0]])
    finally:
        stop.set()
        starting.join()


def test_gradients_taken_under_the_lock_leave_no_claim() -> None:
    network, inputs, t = network_and_cases("dense")
    with network.lock:
        network.forward_pass(inputs[0])
        network.backward_pass(t)

    def work(k: int) -> None:
        if k == 0:
            network.forward_pass(inputs[0])
            network.backward_pass(t)

    in_four_threads(work)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
def test_a_copy_has_a_lock_of_its_own(copied: Callable[[Network], Network]) -> None:
    network, inputs, t = network_and_cases("dense")
    network.forward_pass(inputs[0])
    other = copied(network)
    assert other.lock is not network.lock
    np.testing.assert_array_equal(other.backward_pass(t).vector, network.backward_pass(t).vector)


class Watched(Callback):
    """Lets another thread look at the network that is trained, at least once an epoch."""

    def __init__(self) -> None:
        self.network: Network | None = None
        self.epoch, self.looked, self.ended = (threading.Event() for _ in range(3))

    def on_epoch(self, trainer: Trainer, row: Row) -> None:
        self.network = trainer.network
        self.epoch.set()
        self.looked.wait()
        self.looked.clear()

    def on_end(self, trainer: Trainer) -> None:
        self.ended.set()
        self.epoch.set()

    def look(self) -> int:
        """Passes in both directions until training ends: how many, all of them right."""
        looks, x = 0, np.ones((100, 2))
        while True:
            self.epoch.wait()
            if self.ended.is_set():
                return looks
            self.epoch.clear()
            assert self.network is not None
            self.network.forward_pass(x)
            with pytest.raises(OtherThreadError, match="another thread took gradients"):
                self.network.backward_pass(np.zeros(100, int))
            self.looked.set()  # from here on beside the training
            self.network.forward_pass(x)
            with self.network.lock:
                self.network.forward_pass(x)
                self.network.backward_pass(np.zeros(100, int))
            looks += 1


def test_looking_at_a_network_while_it_is_trained_changes_no_number() -> None:
    config = {
        "network": {"layers": [{"size": 8}, {"size": 3}, "softmax"]},
        "data": {"generator": "spirals", "count": 100},
        "training": {"epochs": 100, "engine": "numpy"},
    }
    wanted = chainrule.train(config, save=False).network.theta
    watched, found = Watched(), []

    def train() -> None:
        run = chainrule.train(config, save=False, callbacks=[watched])
        found.append(run.network.theta)

    thread = threading.Thread(target=train)
    thread.start()
    looked = watched.look()
    thread.join()
    np.testing.assert_array_equal(found[0], wanted)
    assert looked > 0


def test_a_check_and_a_trace_are_right_beside_other_threads() -> None:
    network, inputs, t = network_and_cases("dense")
    wanted = [entry.value for entry in trace(network, inputs[0], t, jacobians=True)]

    def work(k: int) -> None:
        if k == 0:
            assert gradients.check(network, inputs[0], t, methods=["projection"]).right
        elif k == 1:
            assert max(gradients.errors(network, inputs[1], t, method="complex").values()) < 1e-12
        elif k == 2:
            found = [entry.value for entry in trace(network, inputs[0], t, jacobians=True)]
            for one, other in zip(found, wanted, strict=True):
                np.testing.assert_array_equal(one, other)
        else:
            for _ in range(ROUNDS):
                network.forward_pass(inputs[3])

    in_four_threads(work)
