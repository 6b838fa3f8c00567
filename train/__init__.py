"""Training: recipes, networks, augmentation, fitting, evaluation, external validation."""
