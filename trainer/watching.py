"""The run as the live view and status.json show it, read from another thread while it goes on."""

from __future__ import annotations

from collections.abc import Callable

from touchline.record import Status
from touchline.trainer.reporting import objective_before, status_of
from touchline.trainer.runtime import TrainerRuntime


def status_source(runtime: TrainerRuntime) -> Callable[[], Status]:
    """A function that gives the status at the moment it is called."""

    def source() -> Status:
        training, view = runtime.training, runtime.service.view
        if training is None:
            rows = runtime.crew.statuses(view.rows, None)
            return Status(
                run=runtime.run.name,
                env=runtime.config.target,
                mode=runtime.config.mode,
                method=runtime.config.method,
                objective=objective_before(runtime.config),
                seconds=runtime.seconds(),
                players=rows,
                message=runtime.message,
            )
        return status_of(
            training,
            state="stopping" if runtime.stopping else "training",
            seconds=runtime.seconds(),
            history=runtime.history.points,
            players=runtime.crew.statuses(view.rows, training.method.live.version),
            law=view.law,
            message=runtime.message,
        )

    return source
