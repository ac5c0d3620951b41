"""Matrix products within compiled loops: gemm of a BLAS library, called at its address.

Numba's own ``np.dot`` cannot add a product to a matrix. gemm can, so that an update of weights,
W ← (1 − rate · λ) W − rate · aᵀ δ, is one call, and no gradient is written and read again.

All products use the same library, NumPy's where its routine can be found: SciPy brings another
one with threads of its own, and two sets of threads that wait for work compete for the
processor.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils as _cgutils
from numba.extending import get_cython_function_address, intrinsic
from threadpoolctl import threadpool_info

cgutils: Any = _cgutils

ROUTINES = {np.dtype(np.float64): "dgemm", np.dtype(np.float32): "sgemm"}

SPELLINGS = ("scipy_{}_64_", "{}_64_", "scipy_{}_", "{}_")
"""A routine's names in builds of OpenBLAS: with or without prefix, for 64 or 32-bit integers."""

INTEGER = ir.IntType(64)
"""The type in which sizes are passed. A routine for 32-bit integers reads the lower halves."""


@cache
def gemm_address(dtype: np.dtype[Any]) -> int:
    """The address of the gemm routine for a type, as an integer.

    The kernels take it as an argument because it differs from process to process: compiled code
    that contained it could not be cached on disk.
    """
    name = ROUTINES[dtype]
    found = _address_in_numpy(name)
    return found or int(get_cython_function_address("scipy.linalg.cython_blas", name))


def _address_in_numpy(name: str) -> int | None:
    """The address in the library that comes with NumPy; None if there is no such library."""
    for library in threadpool_info():
        if library["user_api"] == "blas" and "numpy" in library["filepath"]:
            exports = ctypes.CDLL(library["filepath"])
            for spelling in SPELLINGS:
                routine = getattr(exports, spelling.format(name), None)
                if routine is not None:
                    return ctypes.cast(routine, ctypes.c_void_p).value
    return None


def _gemm(
    typingctx: Any,
    address: Any,
    shape: Any,
    alpha: Any,
    a: Any,
    b: Any,
    beta: Any,
    c: Any,
) -> Any:
    """C ← β C + α op(A) op(B), for matrices stored row by row within larger arrays.

    Args:
        typingctx: Numba's typing context.
        address: the address of the routine, see `gemm_address`.
        shape: rows and columns of C, and the columns of op(A), which are the rows of op(B).
        alpha: α.
        a: a C-contiguous array, the flat index of A's first element in it, the distance between
            the starts of two rows, and whether op(A) is the transpose of the stored matrix.
        b: likewise for B.
        beta: β; if it is 0, C need not be initialised.
        c: likewise for C, which is never transposed; it is overwritten.
    """
    return types.void(address, shape, alpha, a, b, beta, c), _call_gemm


gemm: Any = intrinsic(_gemm)
"""To be called from compiled code: see `_gemm`."""


def _call_gemm(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """Generate the call. BLAS stores by columns, so that C = A B by rows is Cᵀ = Bᵀ Aᵀ to it."""
    address, shape, alpha, a, b, beta, c = values
    of_shape, of_alpha, of_a, of_b, of_beta, of_c = signature.args[1:]
    numbers = cgutils.unpack_tuple(builder, shape, len(of_shape))
    rows, columns, depth = (_whole_number(builder, number) for number in numbers)
    first_a, stride_a, letter_a = _matrix(context, builder, of_a, a)
    first_b, stride_b, letter_b = _matrix(context, builder, of_b, b)
    first_c, stride_c = _matrix(context, builder, of_c, c)
    real = of_c[0].dtype
    scale = _in_memory(builder, context.cast(builder, alpha, of_alpha, real))
    kept = _in_memory(builder, context.cast(builder, beta, of_beta, real))
    arguments = [letter_b, letter_a, columns, rows, depth, scale]
    arguments += [first_b, stride_b, first_a, stride_a, kept, first_c, stride_c]
    kind = ir.FunctionType(ir.VoidType(), [value.type for value in arguments])
    builder.call(builder.inttoptr(address, kind.as_pointer()), arguments)
    return context.get_dummy_value()


def _matrix(context: Any, builder: Any, kind: Any, value: Any) -> list[Any]:
    """Pointers to a matrix's first element, its stride and, if given, the letter for op."""
    array, at, stride, *turned = cgutils.unpack_tuple(builder, value, len(kind))
    first = builder.gep(context.make_array(kind[0])(context, builder, array).data, [at])
    letters = [_letter(builder, truth) for truth in turned]
    return [first, _whole_number(builder, stride), *letters]


def _letter(builder: Any, turned: Any) -> Any:
    byte, truth = ir.IntType(8), builder.icmp_unsigned("!=", turned, turned.type(0))
    return _in_memory(builder, builder.select(truth, byte(ord("T")), byte(ord("N"))))


def _whole_number(builder: Any, value: Any) -> Any:
    return _in_memory(builder, builder.zext(value, INTEGER) if value.type.width < 64 else value)


def _in_memory(builder: Any, value: Any) -> Any:
    """A pointer to a value, because Fortran routines take all arguments by reference."""
    return cgutils.alloca_once_value(builder, value)
