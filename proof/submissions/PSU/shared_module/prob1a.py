from nn_common import (predict, cost as computeCost, grad as computeGrad,
                       numgrad as computeNumGrad, batch as create_mini_batch)
