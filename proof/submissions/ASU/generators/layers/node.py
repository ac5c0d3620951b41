import numpy as np

class Node:
    """forward starts a generator that stops at its yield; backward sends the gradient into it"""

    def forward(self, *inputs):
        self._run = self.run(*inputs)
        return next(self._run)

    def backward(self, y_grad=None):
        try:
            result = self._run.send(y_grad)
        except StopIteration as stop:
            result = stop.value
        return result

    def update_param(self, lr):
        pass
