"""The dead man's switch: a URL that hears of every proven backup, and raises the alarm when it hears nothing."""

import http.client
import urllib.error
import urllib.request
from threading import Thread

_SECONDS = 10.0
_TOO_LATE = "it did not answer within 10 s"


def ping(url: str) -> str | None:
    """Get the URL; return what went wrong, or None, after ten seconds at most.

    A socket's timeout begins anew with each byte, so that a slow answer could last for ever: the thread is left behind.
    The URL is a secret and never part of what is returned.
    """
    said: list[str | None] = []
    asking = Thread(target=lambda: said.append(_ask(url)), daemon=True)
    asking.start()
    asking.join(_SECONDS)
    return said[0] if said else _TOO_LATE


def _ask(url: str) -> str | None:
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - Settings lets only http(s) through
            answer.read(1)
    except TimeoutError:
        return _TOO_LATE
    except urllib.error.HTTPError as error:
        error.close()
        return f"it answered {error.code}"
    except urllib.error.URLError as error:
        return _TOO_LATE if isinstance(error.reason, TimeoutError) else f"it was not reached: {error.reason}"
    except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: no URL after all
        return f"it was not reached: {type(error).__name__}"
    return None
