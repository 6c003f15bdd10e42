"""What a run leaves on disk, and reading it back."""

from touchline.record.checkpoints import (
    Checkpoint,
    checkpoint_versions,
    load_checkpoint,
    mark_best,
    save_best,
    save_checkpoint,
)
from touchline.record.directory import RunDirectory
from touchline.record.errors import (
    CheckpointError,
    LinesError,
    MissingView,
    RecordError,
    RunExists,
    RunNameError,
    RunNotFound,
)
from touchline.record.facts import environment_facts
from touchline.record.finding import find_run, list_runs
from touchline.record.lines import (
    DriftLine,
    EvaluationLine,
    JsonLines,
    LagLine,
    ResultLine,
    UpdateLine,
    read_lines,
)
from touchline.record.status import (
    EvaluationStatus,
    LagSummary,
    LedgerSummary,
    PlayerStatus,
    Status,
    Summary,
)

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "DriftLine",
    "EvaluationLine",
    "EvaluationStatus",
    "JsonLines",
    "LagLine",
    "LagSummary",
    "LedgerSummary",
    "LinesError",
    "MissingView",
    "PlayerStatus",
    "RecordError",
    "ResultLine",
    "RunDirectory",
    "RunExists",
    "RunNameError",
    "RunNotFound",
    "Status",
    "Summary",
    "UpdateLine",
    "checkpoint_versions",
    "environment_facts",
    "find_run",
    "list_runs",
    "load_checkpoint",
    "mark_best",
    "read_lines",
    "save_best",
    "save_checkpoint",
]
