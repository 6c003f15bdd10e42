"""From an exception to what the user reads, and the exit code."""

from __future__ import annotations

import os
import tempfile
import traceback
from pathlib import Path

import click

OK, BUG, USER, FAILED, INTERRUPTED = 0, 1, 2, 3, 130
BROKEN_PIPE = 141  # as the shell has it for a program that SIGPIPE ended: `touchline runs | head`


def explained(error: BaseException) -> int:
    """Say on standard error what is wrong, and return the exit code. A bare traceback is never printed."""
    match error:
        case click.UsageError():
            return _usage(error)
        case click.ClickException():
            return _say(error.format_message(), USER)
        case click.Abort() | KeyboardInterrupt():
            return _say("interrupted", INTERRUPTED)
        case SystemExit():  # what click makes of a broken pipe, with the output closed; nothing else exits
            return BROKEN_PIPE
    return _of_ours(error)


def _of_ours(error: BaseException) -> int:
    """The errors of the packages below, imported only now that there is one."""
    from touchline.configs import ConfigError
    from touchline.envs.errors import EnvError
    from touchline.launch.recording import USERS_OWN, Crashed
    from touchline.policy.spaces import SpaceError
    from touchline.protocol.errors import AddressError
    from touchline.record import RecordError
    from touchline.trainer.failures import RunFailed

    match error:
        case ConfigError():
            return _config(error)
        case RunFailed():
            return _say(error.headline, error.exit_code, _unsaid(error.headline, error.detail))
        case EnvError() | SpaceError() | AddressError() | RecordError():
            return _say(str(error), USER)
        case Crashed(path=path):
            return _bug(str(error), path)
        case OSError() if error.errno in USERS_OWN:
            return _say(f"{error.filename or 'a file'}: {error.strerror}", USER)
    return _bug(f"{type(error).__name__}: {error}", _keep(error))


def _usage(error: click.UsageError) -> int:
    code = _say(error.format_message(), USER)
    if error.ctx is not None:
        click.echo(f"See '{error.ctx.command_path} --help'.", err=True)
    return code


def _config(error: Exception) -> int:
    lines = str(error).splitlines()
    if len(lines) == 1:
        return _say(lines[0], USER)
    return _say("\n".join([f"{len(lines)} faults in the config", *(f"  {line}" for line in lines)]), USER)


def _bug(headline: str, path: os.PathLike[str]) -> int:
    return _say(f"a fault of touchline itself: {headline}", BUG, f"please report it with {path}")


def _say(text: str, code: int, detail: str = "") -> int:
    click.echo(f"{click.style('error:', fg='red', bold=True)} {text}", err=True)
    if detail:
        click.echo(detail.rstrip(), err=True)
    return code


def _unsaid(headline: str, detail: str) -> str:
    """The detail without a first line that the headline has already said."""
    first, _, rest = detail.partition("\n")
    return rest if first and first in headline else detail


def _keep(error: BaseException) -> Path:
    with tempfile.NamedTemporaryFile(
        "w", prefix="touchline-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write("".join(traceback.format_exception(error)))
    return Path(file.name)
