LISTENERS = {"resized": []}


class Window:
    def __init__(self):
        LISTENERS["resized"].append(self.redraw)

    def redraw(self, size): ...

    def close(self): ...


def test_closing_a_window_frees_it(assert_collected):
    window = Window()
    assert_collected(window, reason="closed below")
    window.close()
