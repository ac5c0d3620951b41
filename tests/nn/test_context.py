"""What passes know beside x and θ: the mode, the random numbers, and the buffers."""

from __future__ import annotations

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from chainrule import Dense, Network
from chainrule.core.errors import ConfigError
from chainrule.nn import Add
from chainrule.nn.context import Context

FLOAT = np.dtype(float)


# The mode


def test_evaluation_is_the_mode_unless_training_is_asked_for():
    context = Context(seed=3)
    assert not context.training
    with context.training_mode(seed=5, step=7) as same:
        assert same is context
        assert (context.training, context.seed, context.step) == (True, 5, 7)
        with context.training_mode(seed=6, step=8):
            assert (context.seed, context.step) == (6, 8)
        assert (context.training, context.seed, context.step) == (True, 5, 7)
    assert (context.training, context.seed, context.step) == (False, 3, 0)


def test_the_mode_ends_where_a_pass_fails():
    context = Context()
    with pytest.raises(ZeroDivisionError), context.training_mode(0, 0):
        raise ZeroDivisionError
    assert not context.training


def in_another_thread(work):
    """What ``work()`` gives in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def test_other_threads_evaluate_meanwhile():
    context = Context()
    with context.training_mode(0, 0):
        assert not in_another_thread(lambda: context.training)
        assert context.training


def test_the_modes_of_two_threads_do_not_touch_each_other():
    context, begun, ended = Context(seed=3), threading.Event(), threading.Event()

    def other():
        with context.training_mode(seed=5, step=7):
            begun.set()
            ended.wait(10)
            return context.training, context.seed, context.step

    with ThreadPoolExecutor(1) as pool:
        with context.training_mode(seed=1, step=2):
            found = pool.submit(other)
            begun.wait(10)
            context.step += 1
            assert (context.training, context.seed, context.step) == (True, 1, 3)
        ended.set()
        assert found.result() == (True, 5, 7)
        assert not pool.submit(lambda: context.training).result()
    assert (context.training, context.seed, context.step) == (False, 3, 0)


@pytest.mark.parametrize("step", [-1, 1.0, "2", True, None])
def test_a_step_is_a_count(step):
    with pytest.raises(ConfigError, match="a step is a whole number of at least 0, found"):
        Network([Dense(1)], input=1).training_mode(seed=1, step=step).__enter__()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_of_a_network_evaluates_with_a_context_of_its_own(copied):
    network = Network([Dense(2), Dense(1)], input=3, seed=4)
    with network.training_mode(seed=1, step=2), network.reused_buffers({}):
        network.forward_pass(np.ones((2, 3)))
        other = copied(network)
        assert not other.context.training
    assert other.context is not network.context
    assert {id(layer.context) for layer in other.layers} == {id(other.context)}
    assert (other.context.buffers, other.context.gradient_thread) == (None, None)


# Random numbers


def test_a_stream_follows_from_seed_layer_and_step_alone():
    def first(seed, step, layer):
        context = Context()
        with context.training_mode(seed, step):
            assert context.stream(layer).random() == context.stream(layer).random()
            return context.stream(layer).random()

    found = [first(*place) for place in [(1, 2, "a"), (2, 2, "a"), (1, 3, "a"), (1, 2, "b")]]
    assert len(set(found)) == 4
    assert first(1, 2, "a") == found[0]


# Buffers


def test_every_layer_of_a_network_sees_the_networks_context():
    network = Network([Dense(2), Dense(1)], input=3)
    assert all(layer.context is network.context for layer in network.layers)


def test_an_array_is_the_same_one_while_buffers_are_reused():
    context, buffers = Context(), {}
    first = context.buffer("a", "z", (2, 3), FLOAT)
    assert first is not context.buffer("a", "z", (2, 3), FLOAT)
    assert (first.shape, first.dtype) == ((2, 3), np.float64)
    with context.reused_buffers(buffers):
        first = context.buffer("a", "z", (2, 3), FLOAT)
        assert first is context.buffer("a", "z", (2, 3), FLOAT)
        others = [
            ("b", "z", (2, 3), float),
            ("a", "a", (2, 3), float),
            ("a", "z", (3, 2), float),
            ("a", "z", (2, 3), np.float32),
        ]
        for layer, what, shape, dtype in others:
            other = context.buffer(layer, what, shape, np.dtype(dtype))
            assert other is not first
            assert (other.shape, other.dtype) == (shape, dtype)
    assert context.buffers is None
    with context.reused_buffers(buffers):
        assert context.buffer("a", "z", (2, 3), FLOAT) is first


def test_a_gradient_with_respect_to_the_input_never_lies_where_it_came_from():
    context, J = Context(), np.zeros((4, 5), np.float32)
    found = context.input_gradient("a", 6, J)
    assert (found.shape, found.dtype) == ((4, 6), np.float32)
    assert found is not context.input_gradient("a", 6, J)
    context.buffers = {}
    first = context.input_gradient("a", 6, J)
    second = context.input_gradient("a", 6, first)
    assert context.input_gradient("a", 6, J) is first
    assert second is not first
    assert (second.shape, second.dtype) == ((4, 6), np.float32)
    assert context.input_gradient("a", 6, second) is first
    assert context.input_gradient("a", 6, first) is second
    assert context.input_gradient("a", 6, J[:2]).shape == (2, 6)


@pytest.mark.parametrize("branches", [False, True])
def test_layers_of_one_width_share_it_in_a_chain_alone(branches):
    first, second = Dense(4, name="a"), Dense(4, name="b", inputs="input" if branches else None)
    last = [Add(inputs=["a", "b"])] if branches else []
    context = Network([first, second, *last], input=4, loss="mse").context
    context.buffers, J = {}, np.zeros((2, 4))
    shared = context.input_gradient("a", 4, J) is context.input_gradient("b", 4, J)
    assert shared is not branches
