"""Waiting for a site that was started in a process of its own."""

import time
import urllib.error
import urllib.request


def wait_until_ready(address: str, seconds: float) -> None:
    """
    Until `/readyz` below the address says that all is there; the first answer loads it, so it may
    take long itself. Raises RuntimeError with what it says is missing, or after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{address}/readyz", timeout=seconds).close()
            return
        except urllib.error.HTTPError as refused:
            raise RuntimeError(refused.read().decode()) from None
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"nothing answers at {address} after {seconds} s")
