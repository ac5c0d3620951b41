"""The homework's program as one writes it in PyTorch; takes the same nine arguments."""

from __future__ import annotations

import sys

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)  # two lose on layers of this size
torch.set_default_dtype(torch.float64)


def read(path: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels and labels."""
    rows = torch.from_numpy(np.loadtxt(path, delimiter=",", ndmin=2))
    return rows[:, 1:].contiguous(), rows[:, 0].long()


def main() -> None:
    """Train and write the three files."""
    train_in, val_in, train_out, val_out, metrics, epochs, hidden, flag, rate = sys.argv[1:]
    x, y = read(train_in)
    x_val, y_val = read(val_in)
    model = nn.Sequential(
        nn.Linear(x.shape[1], int(hidden)), nn.Sigmoid(), nn.Linear(int(hidden), 10)
    )
    for layer in (model[0], model[2]):
        if flag == "1":
            nn.init.uniform_(layer.weight, -0.1, 0.1)
        else:
            nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    loss_of = nn.CrossEntropyLoss()
    descent = torch.optim.SGD(model.parameters(), lr=float(rate))
    lines = []
    for epoch in range(1, int(epochs) + 1):
        for k in range(len(x)):
            descent.zero_grad()
            loss_of(model(x[k : k + 1]), y[k : k + 1]).backward()
            descent.step()
        with torch.no_grad():
            for name, (a, t) in {"train": (x, y), "validation": (x_val, y_val)}.items():
                loss = loss_of(model(a), t).item()
                lines.append(f"epoch={epoch} crossentropy({name}): {loss:.12g}")
    with torch.no_grad():
        parts = {"train": (x, y, train_out), "validation": (x_val, y_val, val_out)}
        for name, (a, t, path) in parts.items():
            predicted = model(a).argmax(dim=1)
            np.savetxt(path, predicted.numpy(), fmt="%d")
            lines.append(f"error({name}): {(predicted != t).double().mean().item():.12g}")
    with open(metrics, "w") as file:
        file.write("\n".join(lines) + "\n")


main()
