"""Counterfactuals: the prediction after a region is removed, kept alone or moved. Evidence about the model."""

from explain.counterfactual.interventions import ACTIONS, Counterfactual, counterfactuals

__all__ = ["ACTIONS", "Counterfactual", "counterfactuals"]
