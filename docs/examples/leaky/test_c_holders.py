"""C code takes a reference and never gives it back; ctypes stands in for an extension with that bug."""

import ctypes

take = ctypes.pythonapi.Py_IncRef
take.argtypes = [ctypes.py_object]


class Image:
    pass


def blur(image):
    take(image)


def test_blurred_image_is_freed(assert_collected):
    image = Image()
    assert_collected(image)

    blur(image)
