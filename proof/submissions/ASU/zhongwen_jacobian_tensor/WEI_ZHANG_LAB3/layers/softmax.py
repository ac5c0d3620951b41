# -*- coding: utf-8 -*-
import numpy as np

class SoftMaxLayer(object):
    def forward(self, x):
        # 先减去最大值，防止溢出
        e = np.exp(x - np.expand_dims(x.max(-1), -1))
        self.z = e / np.expand_dims(e.sum(-1), -1)
        return self.z

    def backward(self, y_grad):
        # 雅可比矩阵 (样本, 类, 类)
        n = self.z.shape[1]
        J = np.einsum('ij,jk->ijk', self.z, np.eye(n)) - np.einsum('ij,ik->ijk', self.z, self.z)
        return np.einsum('ij,ijk->ik', y_grad, J)

    def update_param(self, lr):
        pass
