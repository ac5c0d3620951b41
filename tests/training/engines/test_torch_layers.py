"""Every layer in PyTorch: what `to_torch` gives, and what a step of the engine comes to."""

from __future__ import annotations

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: the extra torch")

from all_layers import CASES, batch, network
from chainrule.nn.layer_types import LAYERS, Dense, Dropout
from chainrule.nn.network import Network
from chainrule.training.engines import ENGINES
from chainrule.training.engines.torch import modules
from chainrule.training.engines.torch.modules import to_torch
from chainrule.training.optimizers import optimizer
from networks import difference

RULES = ["sgd", {"type": "momentum", "nesterov": True}, "adam"]


def test_every_layer_is_tried_and_in_the_table():
    tried = {layer.__class__ for case in CASES for layer in network(case).layers}
    assert tried == {*LAYERS.values()} == {*modules.LAYERS}


def without_padding(values):
    """Outputs at padding are NaN in both."""
    return np.where(np.isnan(values), 7.0, values)


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_the_module_is_the_same_function(case, logits):
    net = network(case)
    x, _ = batch(net, 7)
    module = to_torch(net, logits=logits).eval()
    expected = net.forward_pass(x)
    if logits and net.from_logits is not None:
        expected = net.logits
    with torch.no_grad():
        for given in (x, x.reshape(len(x), -1)):
            found = module(torch.from_numpy(given)).numpy()
            assert difference(without_padding(expected), without_padding(found)) < 1e-13


def test_dropout_of_a_module_is_pytorchs_own():
    module = to_torch(Network([Dropout(0.5), Dense(1)], input=1000, loss="mse"))
    x = torch.ones(1, 1000, dtype=torch.float64)
    kept = module[0](x)
    assert sorted({*kept.ravel().tolist()}) == [0.0, 2.0]
    assert not torch.equal(kept, module[0](x))
    assert torch.equal(module.eval()[0](x), x)


@pytest.mark.parametrize("case", CASES)
def test_parameters_are_called_as_the_layers_are(case):
    net = network(case)
    module = to_torch(net)
    names = {"W": "weight", "E": "weight", "b": "bias", "U": "recurrent_weight", "h0": "start"}
    names |= {"b_hn": "candidate_bias", "c0": "start_cell"}
    names |= {"gamma": "weight", "beta": "bias"}
    expected = [
        f"{segment.layer}{'_' * (segment.layer == 'forward')}.{names[segment.name]}"
        for segment in net.parameters.layout.trained
    ]
    assert [name for name, _ in module.named_parameters()] == expected
    again = to_torch(network(case))
    again.load_state_dict(module.state_dict())
    again.to(torch.float32)


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("case", CASES)
def test_a_step_of_the_engine_is_that_of_the_layers(case, rule):
    net = network(case, penalty={"L1": 0.01, "L2": 0.1, "biases": True}, learning_rate=0.05)
    for layer, rate in zip(net.layers, (0.2, 0.0, None), strict=False):
        layer.learning_rate = rate
    x, t = batch(net, 7)
    engines = []
    for name in ("numpy", "torch"):
        own, step = copy.deepcopy(net), optimizer(rule)
        runs = own.parameters.layout.runs(own.rates(step.default_rate))
        step.bind(own.theta, own.gradients.vector, runs)
        x_rows, rows = own.prepare_inputs(x), own.prepare_targets(t)
        classes = own.loss_function.for_classes
        engines.append(
            ENGINES[name](own, step, x_rows, rows, batch_size=3, classes=classes, seed=2)
        )
    reference, found = engines
    for order in (None, np.array([6, 0, 3, 2, 1, 5, 4])):
        expected, result = reference.run(order, 0, 3), found.run(order, 0, 3)
        assert result.losses == pytest.approx(expected.losses, rel=1e-12)
        assert result.correct == expected.correct
        for name, array in reference.network.parameters.items():
            assert difference(array, found.network.parameters[name]) <= 1e-12, name
