"""The app: routes under /api/v1, behind the guard."""

from fastapi import FastAPI

from api import ROOT
from api.guard import Guard
from api.openapi import describe
from api.problems import add_handlers
from api.routes import jobs, models, operations, predictions
from api.service import Service
from explain.explanation import NOT_FOR_DIAGNOSIS

OPEN = (f"{ROOT}/health",)  # answered without a token

_ABOUT = (
    "Predictions of brain-MRI classifiers, the regions that influenced them, and how far to believe both. Candor is a "
    f"research and teaching tool, not a medical device. {NOT_FOR_DIAGNOSIS}"
)


def make_app(service: Service) -> FastAPI:
    """Return the app of a service."""
    app = FastAPI(
        title="Candor",
        version="1",
        description=_ABOUT,
        openapi_url=None,  # it is a route of ours, and its page too: FastAPI's loads scripts from elsewhere
        docs_url=None,
        redoc_url=None,
        lifespan=service.running,
        redirect_slashes=False,
    )
    app.state.service = service
    add_handlers(app)
    for routes in (models, predictions, jobs, operations):
        app.include_router(routes.router)
    app.openapi = lambda: describe(app, tokens=bool(service.tokens), open_paths=OPEN)
    app.add_middleware(Guard, service=service, open_paths=OPEN)
    return app
