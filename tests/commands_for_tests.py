"""The command line in the process of a test: where what it says is the point, not how it starts."""

from __future__ import annotations

import sys
from contextlib import chdir
from pathlib import Path
from subprocess import CompletedProcess
from unittest import mock

from typer.testing import CliRunner

from twinmatch.cli import app, main
from twinmatch.errors import TwinmatchError


def run(*arguments: object, code: int = 0) -> tuple[str, str]:
    """Run the command line in this process; return stdout and what people were told."""
    try:
        result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result.stdout, result.stderr
    except TwinmatchError as error:
        if error.exit_code != code:
            raise
        return "", str(error)


def command(*words: object, folder: Path | None = None) -> CompletedProcess[str]:
    """Return the exit code of a command and what it printed."""
    given = ["twinmatch", *map(str, words)]
    argv = mock.patch.object(sys, "argv", given)
    with CliRunner().isolation(env={"COLUMNS": "400"}) as printed, argv, chdir(folder or "."):
        try:
            main()
            code: object = 0
        except SystemExit as ended:
            code = ended.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
        out, err = (stream.getvalue().decode() for stream in printed[:2])
    return CompletedProcess(given, int(str(code)), out, err)
