"""A few classes of torchvision's interface over scikit-learn's digits: enough for small public training scripts."""

from . import datasets, models, transforms, utils

__all__ = ["datasets", "models", "transforms", "utils"]
__version__ = "0.0"
