"""What a file of MATLAB says of its sizes, before SciPy believes it (MAT-File Format, level 5)."""

import struct
import zlib
from math import prod

_HEADER = 128
_NUMBERS, _MATRIX, _COMPRESSED = 5, 14, 15  # types of elements
_MOST = 2**27  # bytes that a file unpacks to; those of the published collection have a tenth
_DEEPEST = 16  # arrays within each other; SciPy crashes where there are thousands
_SIDES = 16  # of an array


def check_sizes(content: bytes) -> None:
    """Whether what a file unpacks to, and the arrays in it, are as large as a file can hold.

    Raises:
        ValueError: they are larger, or arrays are within each other without end.
    """
    order = ">" if content[_HEADER - 2 : _HEADER] == b"MI" else "<"
    left = _MOST
    waiting = [(memoryview(content)[_HEADER:], 0)]
    while waiting:
        data, depth = waiting.pop()
        if depth > _DEEPEST:
            raise ValueError(f"it holds arrays more than {_DEEPEST} deep")
        position = number = 0
        while position + 8 <= len(data):
            kind, size = struct.unpack_from(f"{order}II", data, position)
            start, step = position + 8, 8 + size
            if kind >> 16:  # a small element lies within its tag
                kind, size, start, step = kind & 0xFFFF, kind >> 16, position + 4, 8
            inside = data[start : start + size]
            if kind == _COMPRESSED:
                inside = memoryview(zlib.decompressobj().decompress(inside, left + 1))
                left -= len(inside)
                if left < 0:
                    raise ValueError(f"it unpacks to more than {_MOST // 2**20} MiB")
            elif kind == _NUMBERS and number == 1 and depth:  # how long a matrix is each way
                n_sides = len(inside) // 4
                sides = struct.unpack_from(f"{order}{min(n_sides, _SIDES)}i", inside)
                if n_sides > _SIDES or prod(sides) > len(data):
                    raise ValueError("an array in it is larger than it can be")
            if kind in (_COMPRESSED, _MATRIX):
                waiting.append((inside, depth + 1))
            number += 1
            position += step if kind == _COMPRESSED else step + -step % 8
