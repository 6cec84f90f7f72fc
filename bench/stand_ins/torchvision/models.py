"""No models: a script that loads pretrained weights needs the real torchvision."""
