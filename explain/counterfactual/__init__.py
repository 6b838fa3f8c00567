"""How do the probabilities follow when a region is erased, kept alone, or moved? Evidence about the model."""

from explain.counterfactual.interventions import ACTIONS, Counterfactual, counterfactuals

__all__ = ["ACTIONS", "Counterfactual", "counterfactuals"]
