"""The models and the methods: lists, and the card of one model."""

from fastapi import APIRouter

from api import ROOT
from api.problems import Problem
from api.schemas import MethodSummary, ModelSummary
from explain import METHODS, methods_for
from model_zoo import ModelCard, models

router = APIRouter(prefix=ROOT, tags=["models and methods"])


@router.get("/models")
def list_models() -> list[ModelSummary]:
    """Return every model that this server has, the default first."""
    return [
        ModelSummary(
            id=card.id,
            title=card.title,
            classes=list(card.classes),
            names=list(card.names),
            parameters=card.parameters,
            weights_sha256=card.weights_sha256,
            licence=card.licence,
            methods=methods_for(card),
        )
        for card in models().values()
    ]


@router.get("/models/{model_id}")
def read_model(model_id: str) -> ModelCard:
    """Return the whole card of a model: its input, scores with their intervals, limits and licence."""
    cards = models()
    if model_id not in cards:
        raise Problem(404, f"There is no such model; this server has {', '.join(cards)}.")
    return cards[model_id]


@router.get("/methods")
def list_methods() -> list[MethodSummary]:
    """Return every explanation method: what it measures, when not to believe it, what it needs of a model."""
    return [
        MethodSummary(
            **{name: getattr(method, name) for name in MethodSummary.model_fields} | {"engines": list(method.engines)}
        )
        for method in METHODS.values()
    ]
