"""Bugs of layers on images, in NumPy and in compiled loops."""

from __future__ import annotations

from dataclasses import replace

from proof.bugs.bug import Bug, Edit

CONVOLUTION, LOCAL = "nn/images/conv2d.py", "nn/images/locally_connected2d.py"
IM2COL, GEOMETRY = "nn/images/im2col.py", "nn/images/geometry.py"
FLATTEN, POOLED = "nn/layers/flatten.py", "nn/images/pooled.py"
KERNELS = "nn/images/kernels/convolution.py"
LOCAL_KERNELS = "nn/images/kernels/local.py"
POOL_KERNELS = "nn/images/kernels/pooling.py"

FORWARD = "z += W[:, :, p, q] @ _as_rows(under(x, windows, p, q))"
BACK = "parts = ((W[:, :, p, q].T @ rows).reshape(shape) for p, q in offsets(windows))"
PLACES_BACK = "target = under(found, windows, p, q)"
ADDED_BACK = "target += part"
UNDER = "part = _as_rows(under(x, windows, p, q))"
OF_WEIGHTS = "found[:, :, p, q] = sum_of_rows(products).reshape(shape[:2])"
CROPPED = "return np.ascontiguousarray(within(found, windows))"
OF_BIASES = "into(sum_of_rows(maps(g, self.windows).sum(axis=(2, 3))), out)"
LARGER = "(other.real > best.real)"
TO_LARGEST = "parts = (np.where(winners == k, delta, zero) for k in range(places))"
TO_ALL_EQUAL = """if self.type == "max_pool2d":
            from chainrule.nn.images.im2col import padded_zeros, within
            x, w = padded(images(self.x, self.windows), self.windows), self.windows
            J, y = padded_zeros(len(x), w, delta.dtype), maps(self.z, w)
            for p, q in offsets(w):
                target = under(J, w, p, q)
                target += maps(delta, w) * (under(x, w, p, q) == y)
            input_gradient[...] = as_rows(within(J, w))
            return input_gradient
        return self._jacobian_x().vjp(delta, input_gradient)"""
SHARE = "share = delta / delta.dtype.type(places)"
TURNED = "x.reshape(len(x), *self.input_shape).swapaxes(-1, -2).reshape(x.shape)"

IN_A_ROW = "_largest_of_row(x, n, at, s, 2, a, b"
ROW_OF_TARGETS = "target = (c * s.height + i * s.step_down - s.top) * s.width - s.left"

TESTS = ("nn/test_image_networks.py",)
TESTS_OF_POOLS = ("nn/images/test_pooling_loops.py",)

_BUGS = (
    Bug(
        "filter turned round in the forward pass",
        (Edit(CONVOLUTION, FORWARD, FORWARD.replace("p, q] @", "-1 - p, -1 - q] @")),),
    ),
    Bug(
        "filter turned round in the gradient of the image",
        (Edit(CONVOLUTION, BACK, BACK.replace("p, q].T", "-1 - p, -1 - q].T")),),
    ),
    Bug(
        "stride ignored in the gradient of the filters",
        (
            Edit(
                CONVOLUTION,
                UNDER,
                "part = _as_rows(x[:, :, p : p + windows.down, q : q + windows.across])",
            ),
        ),
    ),
    Bug(
        "stride ignored in the gradient of the image",
        (
            Edit(
                IM2COL,
                PLACES_BACK,
                "target = found[:, :, p : p + windows.down, q : q + windows.across]",
            ),
        ),
    ),
    Bug(
        "padding counted as the image in its gradient",
        (
            Edit(
                IM2COL,
                CROPPED,
                CROPPED.replace(
                    "within(found, windows)", "found[:, :, : windows.height, : windows.width]"
                ),
            ),
        ),
    ),
    Bug(
        "padding wraps around the border",
        (
            Edit(
                IM2COL,
                "return np.pad(x, around, constant_values=value)",
                'return np.pad(x, around, mode="wrap")',
            ),
        ),
    ),
    Bug(
        "the odd row of padding above in place of below",
        (
            Edit(
                GEOMETRY,
                "return total // 2, total - total // 2",
                "return total - total // 2, total // 2",
            ),
        ),
    ),
    Bug(
        "bias gradient of filters from one place",
        (
            Edit(
                CONVOLUTION,
                OF_BIASES,
                "into(sum_of_rows(maps(g, self.windows)[:, :, -1, -1]), out)",
            ),
        ),
    ),
    Bug(
        "bias gradient of filters averaged over the places",
        (
            Edit(
                CONVOLUTION,
                OF_BIASES,
                "into(sum_of_rows(maps(g, self.windows).mean(axis=(2, 3))), out)",
            ),
        ),
    ),
    Bug(
        "channels in reverse in the gradient of the filters",
        (Edit(CONVOLUTION, OF_WEIGHTS, OF_WEIGHTS.replace("[:, :, p", "[:, ::-1, p")),),
    ),
    Bug(
        "channels and filters swapped where there are as many",
        (
            Edit(
                CONVOLUTION,
                BACK,
                "V = W if W.shape[0] == W.shape[1] else W.swapaxes(0, 1)\n"
                "    parts = ((V[:, :, p, q] @ rows).reshape(shape) for p, q in offsets(windows))",
            ),
        ),
    ),
    Bug(
        "gradient of overlapping filters overwritten, not added",
        (Edit(IM2COL, ADDED_BACK, "target[...] = part"),),
    ),
    Bug(
        "gradient of overlapping pools overwritten, not added",
        (
            Edit(
                IM2COL,
                ADDED_BACK,
                "np.copyto(target, part, where=part != 0)",
            ),
        ),
    ),
    Bug(
        "max pool's gradient to the last of equal numbers",
        (Edit(POOLED, LARGER, LARGER.replace(">", ">=")),),
    ),
    Bug(
        "max pool's gradient to all equal numbers",
        (Edit(POOLED, "return self._jacobian_x().vjp(delta, input_gradient)", TO_ALL_EQUAL),),
    ),
    Bug(
        "max pool's gradient to the whole window",
        (Edit(POOLED, TO_LARGEST, TO_LARGEST.replace("winners == k", "winners >= 0")),),
    ),
    Bug(
        "average pool without its 1 / size, in the gradient",
        (Edit(POOLED, SHARE, "share = delta"),),
    ),
    Bug(
        "average pool divided by the rows alone",
        (Edit(POOLED, "total /= windows.rows * windows.columns", "total /= windows.rows"),),
    ),
    Bug(
        "flatten with height and width swapped",
        (
            Edit(FLATTEN, "return x, x", f"x = {TURNED}\n        return x, x"),
            Edit(
                FLATTEN,
                "return delta",
                "return delta.reshape(len(delta), "
                "*self.input_shape[:-2], *self.input_shape[:-3:-1]).swapaxes(-1, -2)"
                ".reshape(delta.shape)",
            ),
        ),
    ),
    Bug(
        "unshared filters shared along a column",
        (
            Edit(
                LOCAL,
                "_matrices(W[i]).transpose(0, 2, 1)",
                "_matrices(W[0]).transpose(0, 2, 1)",
            ),
        ),
    ),
    Bug(
        "gradient of unshared filters averaged over the places",
        (
            Edit(
                LOCAL,
                "found[i] = product.reshape(*shape[1:], *inner)",
                "found[i] = product.reshape(*shape[1:], *inner).mean(axis=0)",
            ),
        ),
    ),
    Bug(
        "compiled convolution: gradient of the filters not reset",
        (Edit(KERNELS, "found[...] = 0", "pass"),),
    ),
    Bug(
        "compiled convolution: the last image of a block left out",
        (
            Edit(
                KERNELS,
                "for group in range(images[0], images[1], together):",
                "for group in range(images[0], images[1] - 1, together):",
            ),
        ),
    ),
    Bug(
        "compiled convolution: padding counted as the image in its gradient",
        (
            Edit(
                KERNELS,
                "_copy_row((grid, c, at + s.left), (to, n, target), s.width)",
                "_copy_row((grid, c, at), (to, n, target), s.width)",
            ),
        ),
    ),
    Bug(
        "compiled convolution: bias gradient from one column",
        (
            Edit(
                KERNELS,
                "                for j in range(s.across):\n"
                "                    total += values[n, start + j]",
                "                total += values[n, start]",
            ),
        ),
    ),
    Bug(
        "compiled unshared filters: bias gradient from the last case only",
        (Edit(LOCAL_KERNELS, "total += some[row + n, f]", "total = some[row + n, f]"),),
    ),
    Bug(
        "compiled unshared filters: gradient of the image not reset",
        (Edit(LOCAL_KERNELS, "turned[h, n] = 0", "pass"),),
    ),
    Bug(
        "compiled pool: overlapping gradients overwritten, not added",
        (
            Edit(
                POOL_KERNELS,
                "input_gradient[n, place] += delta[n, source + j]",
                "input_gradient[n, place] = delta[n, source + j]",
            ),
        ),
    ),
    Bug(
        "compiled pool: the mean's gradient without its 1 / size",
        (Edit(POOL_KERNELS, "+= delta[n, at + j] / size", "+= delta[n, at + j]"),),
    ),
    Bug(
        "compiled pool: the last of equal numbers is the largest, within the image",
        (Edit(POOL_KERNELS, "wins = (value > best)", "wins = (value >= best)"),),
        tests=TESTS_OF_POOLS,
    ),
    Bug(
        "compiled pool: the last of equal numbers is the largest, at the border",
        (Edit(POOL_KERNELS, "if value > best or", "if value >= best or"),),
        tests=TESTS_OF_POOLS,
    ),
    Bug(
        "compiled pool: a stride of two taken for one",
        (Edit(POOL_KERNELS, IN_A_ROW, IN_A_ROW.replace("s, 2,", "s, 1,")),),
        tests=TESTS_OF_POOLS,
    ),
    Bug(
        "compiled pool: stride down taken for stride across in the gradient",
        (Edit(POOL_KERNELS, ROW_OF_TARGETS, ROW_OF_TARGETS.replace("step_down", "step_across")),),
        tests=TESTS_OF_POOLS,
    ),
    Bug(
        "compiled pool: stride across taken for stride down in the gradient",
        (
            Edit(
                POOL_KERNELS,
                "place = target + j * s.step_across",
                "place = target + j * s.step_down",
            ),
        ),
        tests=TESTS_OF_POOLS,
    ),
    Bug(
        "compiled pool: given its strides in the wrong order",
        (
            Edit(
                POOL_KERNELS,
                "top, left, *w.stride, w.down, w.across)",
                "top, left, *w.stride[::-1], w.down, w.across)",
            ),
        ),
        tests=TESTS_OF_POOLS,
    ),
)

BUGS = tuple(replace(bug, tests=bug.tests or TESTS) for bug in _BUGS)
