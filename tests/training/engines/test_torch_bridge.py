"""A network as PyTorch modules, and parameters both ways."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: the extra torch")

from hypothesis import given
from torch import nn

import all_layers
from all_layers import CASES
from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.nn import GRU, LSTM, BatchNorm, Conv2D, Flatten, LayerNorm, Recurrent
from chainrule.nn.activations import ACTIVATIONS, ReLU
from chainrule.training.engines.torch.modules import to_torch
from chainrule.training.engines.torch.parameters import copy_to_torch, from_torch
from networks import difference, networks_with_batches


def network(*, dtype="float64", last="linear", seed=1):
    layers = [Dense(5, "tanh", biases=[-1, 1]), Dense(2, last, biases=[-1, 1]), Softmax()]
    return Network(layers, input=3, seed=seed, dtype=dtype)


def made_elsewhere(*sizes, dtype=torch.float64, bias=True):
    linears = [nn.Linear(n, m, dtype=dtype, bias=bias) for n, m in pairwise(sizes)]
    return nn.Sequential(*[part for linear in linears for part in (linear, nn.ReLU())][:-1])


@given(networks_with_batches(activations=tuple(ACTIVATIONS)))
def test_it_is_the_same_network(network_and_batch):
    net, x, _ = network_and_batch
    with torch.no_grad():
        found = to_torch(net)(torch.from_numpy(x)).numpy()
    assert difference(net.forward_pass(x), found) < 1e-13


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_it_has_the_networks_type(dtype):
    net = network(dtype=dtype)
    module = to_torch(net)
    assert {str(p.dtype) for p in module.parameters()} == {f"torch.{dtype}"}
    assert module(torch.from_numpy(net.prepare_inputs(np.eye(3)))).shape == (3, 2)


@pytest.mark.parametrize(
    ("layers", "loss", "last"),
    [
        ([Dense(2), Softmax()], "cross_entropy", nn.Linear),
        ([Dense(2, "sigmoid")], "binary_cross_entropy", nn.Linear),
        ([Dense(2), Softmax()], "mse", nn.Softmax),
        ([Dense(2, "sigmoid")], "mse", nn.Sigmoid),
    ],
)
def test_logits_leave_out_what_the_loss_brings_along(layers, loss, last):
    net = Network(layers, input=3, loss=loss)
    assert type(to_torch(net, logits=True)[-1]) is last
    assert type(to_torch(net)[-1]) is not nn.Linear


def test_pytorchs_own_loss_takes_the_logits():
    net, t = network(), np.array([0, 1, 1])
    logits = to_torch(net, logits=True)(torch.eye(3, dtype=torch.float64))
    loss = nn.CrossEntropyLoss()(logits, torch.from_numpy(t))
    assert loss.item() == pytest.approx(net.loss(np.eye(3), t), rel=1e-14)


def test_a_copy_stays_apart():
    net = network()
    module, theta = to_torch(net), net.theta.copy()
    with torch.no_grad():
        for p in module.parameters():
            assert p.is_contiguous()
            p.zero_()
    assert np.array_equal(net.theta, theta)


def test_shared_parameters_are_theta_itself():
    """Plain PyTorch then trains the network."""
    net = network()
    module, x, t = to_torch(net, logits=True, share=True), np.eye(3), np.array([0, 1, 1])
    before = net.loss(x, t)
    step = torch.optim.SGD(module.parameters(), lr=0.1)
    nn.CrossEntropyLoss()(module(torch.from_numpy(x)), torch.from_numpy(t)).backward()
    step.step()
    assert net.loss(x, t) < before
    assert np.array_equal(net.layers[0].W, module[0].weight.detach().numpy().T)


@pytest.mark.parametrize("share", [False, True])
def test_no_random_number_of_pytorch_is_used(share):
    before = torch.random.get_rng_state()
    to_torch(network(), share=share)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_there_and_back(dtype):
    net, other = network(), network(seed=2)
    module = made_elsewhere(3, 5, 2, dtype=dtype)
    copy_to_torch(net, module)
    from_torch(module, other)
    within = {torch.float64: 0, torch.float32: 1e-7, torch.bfloat16: 1e-2}[dtype]
    assert difference(net.theta, other.theta) <= within


@pytest.mark.parametrize("case", CASES)
def test_there_and_back_with_every_layer(case):
    net, other = all_layers.network(case), all_layers.network(case)
    module = to_torch(net)
    other.theta[:] = 0
    from_torch(module, other)
    assert np.array_equal(other.theta, net.theta)
    other.theta[:] = 0
    from_torch(module.state_dict(), other)
    assert np.array_equal(other.theta, net.theta)
    other.theta[:] = 0.5
    copy_to_torch(other, module)
    assert all((p == 0.5).all() for p in module.parameters())


def test_a_module_that_holds_modules_and_one_that_is_a_layer_alone():
    nested = nn.ModuleDict({"first": made_elsewhere(3, 5), "then": made_elsewhere(5, 2)})
    net = network()
    from_torch(nested, net)
    assert np.array_equal(net.layers[1].W, nested["then"][0].weight.detach().numpy().T)
    single = Network([Dense(2)], input=3)
    from_torch(nn.Linear(3, 2), single)


def test_a_state_dict_of_another_network_is_refused_by_the_names_in_it():
    net = network()
    before = net.theta.copy()
    for state, words in (
        (
            made_elsewhere(3, 4, 2).state_dict(),
            r"\(5, 3\), found \(4, 3\) of float64 in the layer '0'",
        ),
        (nn.Linear(3, 5).state_dict(), r"found 1 in the module \(the layer: weight \(5, 3\)"),
        ({"a.weight": [[1.0]]}, "a.weight of a state_dict is a tensor, found"),
        ([1, 2], "of a module or a state_dict, found"),
    ):
        with pytest.raises(ShapeError, match=words):
            from_torch(state, net)
    assert np.array_equal(net.theta, before)


def without_biases(size=2):
    layers = [Dense(5, "tanh", bias=False), Dense(size, bias=False), Softmax()]
    return Network(layers, input=3, seed=1)


def test_without_biases_there_is_no_bias_in_pytorch_either():
    net = without_biases()
    module = to_torch(net)
    assert [name for name, _ in module.named_parameters()] == ["dense_1.weight", "dense_2.weight"]
    x = np.eye(3)
    with torch.no_grad():
        assert difference(net.forward_pass(x), module(torch.from_numpy(x)).numpy()) < 1e-15
    from_torch(made_elsewhere(3, 5, 2, bias=False), net)
    copy_to_torch(net, elsewhere := made_elsewhere(3, 5, 2))
    assert not any(p.any() for name, p in elsewhere.named_parameters() if "bias" in name)
    before = net.theta.copy()
    from_torch(elsewhere, net)  # biases of 0 are none
    assert np.array_equal(net.theta, before)


def test_biases_that_a_layer_has_no_place_for_are_refused():
    net = without_biases()
    before = net.theta.copy()
    with pytest.raises(ShapeError, match="dense_1 has no biases, found some in Linear '0'"):
        from_torch(made_elsewhere(3, 5, 2), net)
    assert np.array_equal(net.theta, before)


def test_a_layer_without_biases_has_biases_of_0():
    net, module = network(), made_elsewhere(3, 5, 2, bias=False)
    with pytest.raises(ShapeError, match="dense_1 has biases, found none in Linear '0'"):
        copy_to_torch(net, module)
    from_torch(module, net)
    assert not net.layers[0].b.any()
    assert net.layers[0].W.any()
    copy_to_torch(net, module)


MISFITS = {
    "wider": (
        made_elsewhere(3, 4, 2),
        [
            r"dense_1 takes a weight \(outputs first\) of shape \(5, 3\), "
            r"found \(4, 3\) of float64 in Linear '0'",
            r"dense_1 takes a bias .* \(5,\), found \(4,\)",
            r"dense_2 takes a weight .* \(2, 5\), found \(2, 4\)",
        ],
    ),
    "deeper": (
        made_elsewhere(3, 5, 5, 2),
        [r"2 layers .* \(Dense dense_1: 3 → 5, .*\), found 3 in the module \(Linear '0': in_"],
    ),
    "nothing": (nn.ReLU(), [r"found 0 in the module \(none\)"]),
    "normalised": (
        nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Linear(5, 2)),
        [r"found 3 in the module \(Linear '0': .* BatchNorm1d '1': .* Linear"],
    ),
    "not yet built": (
        nn.Sequential(nn.LazyLinear(5), nn.Linear(5, 2, device="meta")),
        [
            r"of shape \(5, 3\); that of LazyLinear '0' holds no numbers",
            r"that of Linear '1' holds",
        ],
    ),
    "complex": (
        nn.Sequential(nn.Linear(3, 5, dtype=torch.complex128), nn.Linear(5, 2)),
        [r"found \(5, 3\) of complex128"],
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_is_said_and_nothing_is_copied(name):
    module, messages = MISFITS[name]
    net = network()
    before = net.theta.copy()
    for copy in (lambda: from_torch(module, net), lambda: copy_to_torch(net, module)):
        with pytest.raises(ShapeError) as caught:
            copy()
        for message in messages:
            assert caught.match(message)
    assert np.array_equal(net.theta, before)


def test_what_has_no_counterpart_is_named_all_at_once():
    class Step(ReLU):
        pass

    class Doubled(Dense):
        pass

    net = Network([Dense(2, Step(), name="first"), Doubled(3), Dense(2)], input=3)
    with pytest.raises(ConfigError) as caught:
        to_torch(net)
    assert caught.match("first has the activation Step, which has no counterpart in PyTorch")
    assert caught.match("a layer Doubled")


def test_without_pytorch_the_command_to_install_it_is_given():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from chainrule.core.errors import MissingExtraError\n"
        "try:\n    import chainrule.training.engines.torch.modules\n"
        "except MissingExtraError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "pip install 'chainrule[torch]'" in said.stdout


# Normalisation


def normalised(**options):
    layers = [Dense(4), BatchNorm(activation="relu", **options), LayerNorm(), Dense(2), Softmax()]
    return Network(layers, input=3, seed=1)


def of_pytorch(eps=1e-5):
    module = nn.Sequential(
        nn.Linear(3, 4), nn.BatchNorm1d(4, eps=eps), nn.ReLU(), nn.LayerNorm(4), nn.Linear(4, 2)
    ).double()
    for k in range(20):  # PyTorch's own training moves the running statistics
        x = torch.from_numpy(np.random.default_rng(k).normal(1, 2, size=(7, 3)))
        module(x)
    return module.eval()


@pytest.mark.parametrize("as_state", [False, True])
def test_running_statistics_come_from_a_module_and_from_a_state_dict(as_state):
    module, net, x = of_pytorch(), normalised(), np.random.default_rng(0).normal(size=(5, 3))
    from_torch(module.state_dict() if as_state else module, net)
    assert np.array_equal(net.layers[1].mean, module[1].running_mean.numpy())
    assert np.array_equal(net.layers[1].variance, module[1].running_var.numpy())
    assert not np.allclose(net.layers[1].variance, 1)
    with torch.no_grad():
        expected = module(torch.from_numpy(x)).numpy()
    net.forward_pass(x)
    assert difference(expected, net.logits) < 1e-13


def test_running_statistics_go_to_a_module_and_training_there_goes_on_as_here():
    net = normalised(momentum=0.3)
    rng = np.random.default_rng(0)
    net.theta += rng.uniform(0.1, 0.5, net.theta.shape)
    module, x = to_torch(net, logits=True), rng.normal(size=(6, 3))
    assert {type(part).__name__ for part in module} >= {"BatchNorm1d", "LayerNorm", "Linear"}
    with net.training_mode():
        net.forward_pass(x)
        net.update_untrained()
    with torch.no_grad():
        assert difference(net.logits, module(torch.from_numpy(x)).numpy()) < 1e-13
    norm = module.get_submodule("batch_norm_1")
    assert difference(net.layers[1].mean, norm.running_mean.numpy()) < 1e-14
    assert difference(net.layers[1].variance, norm.running_var.numpy()) < 1e-14
    other = of_pytorch()
    copy_to_torch(net, other)
    assert np.array_equal(other[1].running_var.numpy(), net.layers[1].variance)


def test_images_become_pytorchs_own_layers():
    layers = [Conv2D(3, 2), BatchNorm(), LayerNorm(), Flatten(), Dense(2)]
    module = to_torch(Network(layers, input=[2, 4, 4], loss="mse"))
    kinds = {type(part).__name__ for part in module}
    assert {"Conv2d", "BatchNorm2d", "LayerNorm", "Flatten"} <= kinds


def test_another_epsilon_is_another_function_and_is_refused():
    net = normalised()
    before = net.theta.copy()
    with pytest.raises(
        ShapeError, match=r"batch_norm_1 has the epsilon 1e-05, found 0\.001 in Ba"
    ):
        from_torch(of_pytorch(eps=1e-3), net)
    with pytest.raises(ShapeError, match="takes a running_mean, found none in BatchNorm1d '1'"):
        from_torch(without_statistics(), net)
    assert np.array_equal(net.theta, before)
    from_torch(of_pytorch(eps=1e-3), normalised(epsilon=1e-3))


def without_statistics():
    norm = nn.BatchNorm1d(4, track_running_stats=False)
    return nn.Sequential(nn.Linear(3, 4), norm, nn.ReLU(), nn.LayerNorm(4), nn.Linear(4, 2))


class Reader(nn.Module):
    """Two recurrent layers, of which the last step is read, as in PyTorch's tutorials."""

    def __init__(self, kind, *, bias):
        super().__init__()
        self.recurrent = kind(3, 4, num_layers=2, batch_first=True, bias=bias, dtype=torch.float64)
        self.head = nn.Linear(4, 2, dtype=torch.float64)

    def forward(self, x):
        return self.head(self.recurrent(x)[0][:, -1])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("theirs", "ours"), [(nn.LSTM, LSTM), (nn.GRU, GRU), (nn.RNN, Recurrent)])
def test_recurrent_layers_of_pytorch_come_across(theirs, ours, bias):
    torch.manual_seed(0)
    module = Reader(theirs, bias=bias)
    x = np.random.default_rng(0).normal(size=(5, 6, 3))
    expected = module(torch.from_numpy(x)).detach().numpy()
    for source in (module, module.state_dict()):
        layers = [ours(4, bias=bias), ours(4, outputs="last"), Dense(2)]
        net = Network(layers, input=(6, 3), loss="mse")
        from_torch(source, net)
        assert np.abs(net.forward_pass(x) - expected).max() <= 1e-13


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.LSTM(3, 4, bidirectional=True), "lstm_1 takes no weight_ih_l0_reverse, found one"),
        (nn.GRU(3, 4), r"weight \(outputs first\) of shape \(16, 3\), found \(12, 3\)"),
        (nn.LSTM(3, 4, num_layers=2), "1 layers with parameters .* found 2 in the module"),
        ({"weight_ih_l0": torch.ones(16, 3), "bias_ih_l0": torch.ones(16)}, "takes a weight, fo"),
    ],
)
def test_a_recurrent_layer_that_is_another_is_refused(module, message):
    net = Network([LSTM(4)], input=(6, 3), loss="mse")
    before = net.theta.copy()
    with pytest.raises(ShapeError, match=message):
        from_torch(module, net)
    assert np.array_equal(net.theta, before)
