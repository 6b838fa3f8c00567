"""Training the models: datasets, leaks, recipes, networks, fit, evaluate."""
