"""What every command of `handoff` stands on: its settings, the house it works in, and how it says that it cannot."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests
import rich_click as click

from adapter.config import PREFIX, InvalidSettings, Settings, read_settings
from adapter.domain.errors import HandoffError
from adapter.smart_client import TokenRefused

if TYPE_CHECKING:
    from adapter.app import House


@contextmanager
def telling_refusals() -> Iterator[None]:
    """A refusal ends the command with its text and exit code 1, without a traceback."""
    try:
        yield
    except InvalidSettings as error:
        refused = str(error)
    except HandoffError as error:
        refused = "\n".join(issue.text for issue in error.issues)
    except TokenRefused as error:
        refused = str(error)
    except requests.ConnectionError as error:
        refused = f"expected a server to answer at {error.request.url if error.request else 'it'}, got no connection"
    except requests.RequestException as error:
        refused = f"expected an answer of this adapter, got: {error}"
    except BrokenPipeError:
        raise  # whoever read our output has seen enough, which is no refusal
    except OSError as error:
        refused = f"expected to use `{error.filename or 'a file'}`, got: {error.strerror or error}"
    else:
        return
    # Without the frame and the line breaks of a ClickException: SQL that somebody has to run may be in it.
    click.echo(f"Error: {refused}", err=True)
    sys.exit(1)


def settings_with(**given: Any) -> Settings:
    with telling_refusals():
        return read_settings(**given)


@contextmanager
def house_of(settings: Settings, connections: int = 2, *, new: bool = False) -> Iterator[House]:
    """The house of these settings. Without `new` its database has to be there: a command that only looks would else
    make an empty one wherever it is run, and say that nothing waits."""
    from adapter.app import open_house
    from adapter.storage import database_url, upgrade

    with telling_refusals():
        configured = settings.database_url.get_secret_value() if settings.database_url else None
        if not new and configured is None and not (settings.data_dir / "postgres").is_dir():
            where = settings.data_dir.resolve()
            expected = f"expected the data directory of a server in `{where}`, got none"
            raise InvalidSettings([f"{PREFIX}DATA_DIR: {expected}; or set {PREFIX}DATABASE_URL"])
        url = database_url(configured, settings.data_dir)
        upgrade(url)
        with open_house(settings, url, connections) as opened:
            yield opened


class HttpAddress(click.ParamType[str]):
    """An http or https address, as it was given."""

    name = "address"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        if not str(value).startswith(("http://", "https://")):
            self.fail("expected an address that begins with http:// or https://", param, ctx)
        return str(value)
