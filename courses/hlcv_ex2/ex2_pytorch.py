"""Question 4 of the exercise: the same networks in PyTorch, with 2, 3, 4 and 5 layers.

Run with: python3 ex2_pytorch.py [--layers 2 3 4 5] [--epochs 12] [--plain]

Each network is described by ``layers.yaml``, built from PyTorch modules and trained there on the
loss of ``CrossEntropyLoss``, written so that its derivative keeps all digits. Pictures and runs go
to ``out/``. With ``--plain`` the training is the exercise's loop instead, written out in PyTorch
alone: ``CrossEntropyLoss``, ``loss.backward()`` and ``optimizer.step()``.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

import chainrule
from chainrule.cli.progress import EpochLines
from chainrule.cli.terminal import failures_reported
from chainrule.config.load import load_config
from chainrule.data.dataset import Dataset
from chainrule.plots.comparison import compare_histories
from chainrule.plots.save import save_figure
from chainrule.runs.resolve import resolve_data
from chainrule.training.engines.torch.modules import to_torch
from chainrule.training.engines.torch.parameters import copy_to_torch

HERE = Path(__file__).resolve().parent
OUT = HERE / "out"
CONFIG = HERE / "layers.yaml"


class MultiLayerPerceptron(nn.Module):
    """Linear layers with relu between them; the outputs are logits, for ``CrossEntropyLoss``.

    Args:
        input_size: the numbers of a case.
        hidden_size: the units of each hidden layer; a number for one layer.
        num_classes: the outputs.
        seed: of the first weights, which are those of the same network in NumPy.

    Attributes:
        layers: the ``Linear`` layers and activations.
    """

    def __init__(
        self, input_size: int, hidden_size: int | Sequence[int], num_classes: int, seed: int = 1
    ) -> None:
        super().__init__()
        sizes = [hidden_size] if isinstance(hidden_size, int) else list(hidden_size)
        network = load_config(CONFIG, [layers_override(sizes, num_classes)]).network
        built = chainrule.Network.from_config({**network, "input": input_size}, seed=seed)
        self.layers = to_torch(built, logits=True)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (cases, classes) for x, (cases, ...), which is flattened."""
        logits: Tensor = self.layers(x.reshape(len(x), -1))
        return logits


def layers_override(hidden: Sequence[int], classes: int = 10) -> str:
    """The setting that gives ``layers.yaml`` other hidden layers.

    Example:
        >>> layers_override([64])
        'network.layers=[{size: 64, activation: relu, weights: he}, {size: 10}, softmax]'
    """
    layers = [f"{{size: {size}, activation: relu, weights: he}}" for size in hidden]
    return f"network.layers=[{', '.join([*layers, f'{{size: {classes}}}', 'softmax'])}]"


def in_plain_pytorch(
    run: chainrule.Run, hidden: Sequence[int], cases: Dataset
) -> tuple[float, float]:
    """Loss and accuracy of a trained network by PyTorch alone.

    Its parameters are copied into a `MultiLayerPerceptron`, whose logits go into
    ``CrossEntropyLoss``: the loss that the network was trained with, without the penalty.
    """
    model = MultiLayerPerceptron(run.network.input, hidden, run.network.outputs)
    copy_to_torch(run.network, model)
    targets = torch.from_numpy(cases.t)
    with torch.no_grad():
        logits = model(torch.from_numpy(cases.x))
        loss = nn.CrossEntropyLoss()(logits, targets).item()
        accuracy = (logits.argmax(dim=1) == targets).double().mean().item()
    return loss, accuracy


def train_plainly(
    model: nn.Module, x: Tensor, t: Tensor, *, epochs: int, rate: float, penalty: float, batch: int
) -> list[float]:
    """The exercise's loop, with momentum and a rate that falls along a cosine.

    Args:
        model: gives logits.
        x: the training cases, (cases, ...).
        t: their classes, (cases,).
        epochs: passes over the cases, each in a new order.
        rate: the first learning rate.
        penalty: of ``penalty · Σ½w²``, which PyTorch takes over the biases as well.
        batch: cases a minibatch.

    Returns:
        The mean loss of each epoch's minibatches.
    """
    loss_of = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=penalty)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    order = torch.Generator().manual_seed(1)
    means = []
    for _ in range(epochs):
        losses = []
        for chosen in torch.randperm(len(x), generator=order).split(batch):
            optimizer.zero_grad()
            loss = loss_of(model(x[chosen]), t[chosen])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        schedule.step()
        means.append(sum(losses) / len(losses))
    return means


def accuracy_of(model: nn.Module, cases: Dataset) -> float:
    """The fraction of cases whose largest logit is that of their class."""
    with torch.no_grad():
        labels = model(torch.from_numpy(cases.x)).argmax(dim=1)
    return float((labels == torch.from_numpy(cases.t)).double().mean())


def compare_plainly(all_layers: Sequence[int], width: int, epochs: int) -> None:
    """Train each network by the exercise's loop; table, and the test accuracy of the best."""
    config = load_config(CONFIG)
    data = resolve_data(config)
    x, t = torch.from_numpy(data.train.x), torch.from_numpy(data.train.t)
    print("layers  training  validation")
    reached = []
    for layers in all_layers:
        model = MultiLayerPerceptron(x[0].numel(), [width] * (layers - 1), 10)
        train_plainly(
            model, x, t, epochs=epochs, rate=config.network["learning_rate"],
            penalty=config.network["penalty"]["rate"], batch=config.training["batch_size"],
        )  # fmt: skip
        training, validation, test = (
            accuracy_of(model, part) for part in (data.train, data.validation, data.test)
        )
        print(f"{layers:>6}  {training:8.1%}  {validation:10.1%}", flush=True)
        reached.append((validation, layers, test))
    _, best, test = max(reached)
    print(f"\nthe best has {best} layers: test accuracy {test:.1%}")


def train(layers: int, width: int, epochs: int) -> tuple[chainrule.Run, list[int]]:
    """Train a network of so many layers in PyTorch; the run and its hidden sizes."""
    hidden = [width] * (layers - 1)
    print(f"\n{layers} layers: 3072-{'-'.join(map(str, hidden))}-10")
    folder = OUT / f"layers_{layers}"
    if folder.exists():  # of an earlier comparison
        shutil.rmtree(folder)
    run = chainrule.train(
        CONFIG,
        overrides=[layers_override(hidden), f"training.epochs={epochs}"],
        run=folder,
        callbacks=[EpochLines()],
    )
    return run, hidden


def compare(all_layers: Sequence[int], width: int, epochs: int) -> None:
    """Train each network; table, picture, and the test accuracy of the best."""
    runs = {layers: train(layers, width, epochs) for layers in all_layers}
    print("\nlayers  training  validation")
    for layers, (run, _) in runs.items():
        scores = run.scores
        train_accuracy, validation = (scores[part].accuracy for part in ("train", "validation"))
        print(f"{layers:>6}  {train_accuracy:8.1%}  {validation:10.1%}")
    best, (run, hidden) = max(
        runs.items(), key=lambda item: item[1][0].scores["validation"].accuracy or 0.0
    )
    loss, accuracy = in_plain_pytorch(run, hidden, run.data.test)
    own = run.scores["test"].loss - run.network.penalty_loss()
    print(f"\nthe best has {best} layers: test accuracy {accuracy:.1%}")
    print(f"its CrossEntropyLoss on the test data: {loss:.6f} in PyTorch, {own:.6f} in NumPy")
    figure = compare_histories(
        {f"{layers} layers": run.history for layers, (run, _) in runs.items()},
        column="accuracy",
        title=f"CIFAR-10 in PyTorch, {width} units a hidden layer",
    )
    for file in save_figure(figure, OUT / "layers.png"):
        print(f"picture written to {file}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the comparison that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, nargs="+", default=[2, 3, 4, 5])
    parser.add_argument("--width", type=int, default=512, help="units of a hidden layer")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--plain", action="store_true", help="by a loop in PyTorch alone")
    options = parser.parse_args(arguments)
    if min(options.layers) < 1:
        parser.error("a network has at least 1 layer")
    if options.plain:
        compare_plainly(options.layers, options.width, options.epochs)
        return
    OUT.mkdir(exist_ok=True)
    compare(options.layers, options.width, options.epochs)


if __name__ == "__main__":
    with failures_reported("ex2_pytorch"):
        main()
