"""C code gives back the reference that it took."""

import ctypes

take, give_back = ctypes.pythonapi.Py_IncRef, ctypes.pythonapi.Py_DecRef
take.argtypes = give_back.argtypes = [ctypes.py_object]


class Image:
    pass


def blur(image):
    take(image)
    give_back(image)


def test_blurred_image_is_freed(assert_collected):
    image = Image()
    assert_collected(image)

    blur(image)
