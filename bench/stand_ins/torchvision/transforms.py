"""The transforms that keep a digit a digit; those that cut, mirror or resize hand it on as it is."""

import numpy as np
import torch


class Compose:
    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, image):
        for transform in self.transforms:
            image = transform(image)
        return image


class ToTensor:
    def __call__(self, image):
        if isinstance(image, torch.Tensor):
            return image
        tensor = torch.from_numpy(np.asarray(image).astype("float32") / 255)
        return tensor[None] if tensor.dim() == 2 else tensor.permute(2, 0, 1).contiguous()


class Normalize:
    def __init__(self, mean, std, inplace=False):
        self.mean, self.std = (torch.tensor(value, dtype=torch.float32).reshape(-1, 1, 1) for value in (mean, std))

    def __call__(self, image):
        return (image - self.mean) / self.std


class Lambda:
    def __init__(self, function):
        self.function = function

    def __call__(self, image):
        return self.function(image)


class Unchanged:
    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, image):
        return image


CenterCrop = Pad = RandomCrop = RandomHorizontalFlip = Resize = Unchanged
