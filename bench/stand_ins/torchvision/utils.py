"""Pictures are not written."""


def save_image(tensor, *args, **kwargs):
    pass


def make_grid(tensor, *args, **kwargs):
    return tensor
