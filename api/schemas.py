"""What the API takes and answers, as types: the OpenAPI document, the routes and the client follow them."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from api.limits import LONGEST
from explain.request import DEFAULTS, SETTINGS
from scans import PLANES

NUMBER = r"^[0-9]{1,6}$"  # \d would take the digits of every script, which `int` does not


class ScanForm(BaseModel):
    """The fields beside a file, for everything that predicts."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(max_length=200, description="Id of a model, from /models.")
    plane: Literal[PLANES] = Field("axial", description="Plane through a volume such as NIfTI.")
    stack: str = Field("", description="Stack of a file that holds several; empty: the first.")
    slice: str = Field("", pattern=rf"{NUMBER}|^$", description="Slice of a volume, from 0; empty: the middle one.")
    anyway: bool = Field(False, description="Predict what the gate withholds, too; it is marked.")


class PredictForm(ScanForm):
    """The fields of /predict."""

    slice: str = Field(
        "",
        pattern=rf"{NUMBER}|^all$|^$",
        description="Slice of a volume, from 0; “all” for each of them; empty: the middle one.",
    )


def _settings() -> dict:
    """Return a field for every setting that a request declares, with its bounds."""
    fields = {}
    for name, setting in SETTINGS.items():
        default, about = DEFAULTS[name], f"{setting.label}. {setting.help}"
        if isinstance(default, float):
            bounds = Field(default, gt=0, le=LONGEST, allow_inf_nan=False, description=about)
        else:
            bounds = Field(default, ge=0, le=setting.most, description=about)
        fields[name] = (type(default), bounds)
    return fields


class _MapForm(ScanForm):
    target: str = Field("", description="Class to explain; empty: the predicted one.")


class _OneMapForm(_MapForm):
    method: str = Field(max_length=80, description="Id of a method, from /methods.")
    engine: str = Field("", description="Which implementation of the method; empty: the fastest.")


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


class _ReportForm(_MapForm):
    method: Annotated[list[str], BeforeValidator(_listed)] = Field(
        [], max_length=20, description="Ids of methods, one field for each; empty: the defaults of the model."
    )


ExplainForm = create_model("ExplainForm", __base__=_OneMapForm, __doc__="The fields of /explain.", **_settings())
ReportForm = create_model("ReportForm", __base__=_ReportForm, __doc__="The fields of /report.", **_settings())


class Problem(BaseModel):
    """An error (RFC 9457): its HTTP status, and one sentence on what was wrong and what to do."""

    title: str
    status: int
    detail: str


class ModelSummary(BaseModel):
    """A model with what a program needs to ask it."""

    id: str
    title: str
    classes: list[str]
    names: list[str] = Field(description="What a user sees, in the order of the classes.")
    parameters: int
    weights_sha256: str
    licence: str
    methods: list[str] = Field(description="Ids of the methods that can explain it.")


class MethodSummary(BaseModel):
    """An explanation method."""

    id: str
    title: str
    paper: str
    unit: str
    measures: str
    pitfalls: str
    engines: list[str] = Field(description="The first is the default.")
    needs: str = Field(description="What it needs of a model beyond predictions; empty: nothing.")
    signed: bool = Field(description="Values below 0 are evidence against the class.")
    quick: bool = Field(description="Takes one or two passes of the model.")
    random: bool = Field(description="Draws random samples, so that the seed matters.")


class Gate(BaseModel):
    """What the gate says of a picture."""

    kind: str
    plane: str
    sequence: str
    brain: str
    distance: float = Field(description="From known heads; 1 is the farthest that is accepted.")
    probabilities: dict[str, dict[str, float]]


class SlicePrediction(BaseModel):
    """What a model predicts for one slice: `class` and what follows, else `withheld`, or `error` where none is seen."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    slice: int = 0
    stack: str = ""
    plane: str = Field(description="Empty where the file does not say.")
    shape: tuple[int, int] = Field(description="Rows and columns.")
    notes: list[str] = []
    error: str | None = Field(None, description="Why nothing can be seen of this slice.")
    withheld: str | None = Field(None, description="Why the gate withholds the prediction.")
    predicted: str | None = Field(None, alias="class", description="The class with the highest probability.")
    probabilities: dict[str, float] | None = Field(None, description="Calibrated, by class; they sum to 1.")
    set: list[str] | None = Field(None, description="The classes that cannot be ruled out at `set_level` per cent.")
    set_level: int | None = None
    reasons: list[str] = Field([], description="Why the set is wide, or that the gate would withhold it.")
    gate: Gate | None = None


class Predictions(BaseModel):
    """The predictions of a model for the chosen slices of a file."""

    model: str
    weights_sha256: str
    calibration: str = Field(description="The site that the model is calibrated to; empty: its own calibration.")
    sha256: str = Field(description="Of the file.")
    slices: int = Field(description="How many slices the stack has.")
    stacks: list[str] = Field(description="The names of all stacks of the file, where it holds several.")
    predictions: list[SlicePrediction]
    note: str


class RefusedFile(BaseModel):
    """A file of several of which nothing is predicted, and why."""

    sha256: str = Field(description="Of the file.")
    error: str = Field(description="One sentence, that of /predict.")


class Job(BaseModel):
    """A job: where it stands, and the addresses of its results, which exist once it is done."""

    id: str
    kind: Literal["explanation", "report"]
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    progress: float = Field(description="0 to 1.")
    place: int = Field(description="Among the queued, 1 being next; 0 where it is not queued.")
    seconds: float = Field(description="That it has been running, or ran.")
    error: str = Field(description="One sentence where it failed.")
    model: str
    methods: list[str]
    target: str
    results: list[str] = Field(description="Paths.")


class Similar(BaseModel):
    """A similar case: a known scan, by its diagnosis and where it comes from."""

    label: str
    name: str = Field(description="The diagnosis as a user sees it.")
    collection: str
    sequence: str
    plane: str
    distance: float = Field(description="0 where the model's features point alike, to 2.")


class SimilarCases(BaseModel):
    """The known scans that a model finds most like the one at hand, the nearest first."""

    model: str
    cases: list[Similar]
    summary: str
    note: str
    precision: str = Field(description="How often such cases have the right diagnosis.")
    credit: str


class Health(BaseModel):
    """That the server answers."""

    status: Literal["alive"]


class Ready(BaseModel):
    """That it can predict."""

    status: Literal["ready"]
    models: list[str] = Field(description="Those that it can load.")
