"""Reads typecodes as numpy does, and says what it makes of them.

Each line of standard input is a typecode and the size of its type, separated by a tab. The answer to each is a line:
the type as a text in which every offset and size stands, in the form that the test writes, too.
"""

import ctypes
import sys

import numpy


class Buffer(ctypes.Structure):
    """`Py_buffer` of Python's C API."""

    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.py_object),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("suboffsets", ctypes.POINTER(ctypes.c_ssize_t)),
        ("internal", ctypes.c_void_p),
    ]


def parse(typecode, size):
    """The type of the only field of a struct that holds a value of this typecode."""
    memory = ctypes.create_string_buffer(size)
    shape = (ctypes.c_ssize_t * 1)(1)
    strides = (ctypes.c_ssize_t * 1)(size)
    buffer = Buffer(
        ctypes.addressof(memory), None, size, size, 1, 1, f"T{{{typecode}:value:}}".encode(), shape, strides, None, None
    )
    view = ctypes.pythonapi.PyMemoryView_FromBuffer
    view.restype = ctypes.py_object
    view.argtypes = [ctypes.POINTER(Buffer)]
    array = numpy.asarray(view(ctypes.byref(buffer)))
    assert array.dtype.itemsize == size, f"{array.dtype.itemsize} bytes, not {size}"
    assert array.dtype.names == ("value",)
    return array.dtype["value"]


def describe(dtype):
    """The type as a text."""
    if dtype.subdtype is not None:
        element, shape = dtype.subdtype
        return f"({','.join(map(str, shape))}){describe(element)}"
    if dtype.names is None:
        return dtype.str
    fields = [f"{name}@{dtype.fields[name][1]}:{describe(dtype.fields[name][0])}" for name in dtype.names]
    return f"{{{' '.join(fields)} ={dtype.itemsize}}}"


for line in sys.stdin:
    typecode, size = line.rstrip("\n").split("\t")
    try:
        print(describe(parse(typecode, int(size))))
    except Exception as error:
        print(f"refused: {error!r}")
