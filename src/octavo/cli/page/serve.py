"""`octavo page serve`: the page, on this machine unless it is told otherwise."""

import ipaddress
import logging
import os
import sys
from pathlib import Path

import uvicorn

from octavo.cli.parse import call
from octavo.errors import OctavoError
from octavo.page.serving import application
from octavo.page.settings import from_environment

LOCAL = "127.0.0.1"


def main(arguments: list[str]) -> int:
    """Reads the arguments and serves."""
    return call(serve, arguments, "octavo page serve")


def serve(
    host: str = LOCAL,
    port: int = 8765,
    folder: Path | None = None,
    url: str = "",
    dev: bool = False,
    demo: bool = False,
    schedule: bool = True,
) -> int:
    """Opens the page, for readers with a browser.

    Args:
        host: where it listens; another than this machine needs OCTAVO_PAGE_SECRET and OCTAVO_PAGE_URL.
        port: where it listens.
        folder: what the page keeps: database, vectors, figures, mails.
        url: how readers reach it, such as https://papers.example.org.
        dev: for the owner of this machine alone; needs no secret.
        demo: as dev, with the papers of this library put in first.
        schedule: also send the digests when they are due.
    """
    local = _is_local(host)
    dev = dev or demo
    if dev and not local:
        raise OctavoError(
            f"--dev and --demo are for this machine alone, and --host {host} is for others too: leave --host "
            "out, or set OCTAVO_PAGE_SECRET and OCTAVO_PAGE_URL and leave --dev out."
        )
    reached = url or (f"http://{f'[{host}]' if ':' in host else host}:{port}" if dev else "")
    settings = from_environment(dev=dev, url=reached, data=folder)
    settings.data.mkdir(parents=True, exist_ok=True)
    # The log holds no addresses: neither of readers nor of subscribers.
    logging.getLogger("uvicorn.access").disabled = True
    app = application(settings, library=demo, schedule=schedule)
    # Whoever waits for the interpreter has it sooner: many short requests, few long ones.
    sys.setswitchinterval(0.001)
    print(f"octavo page: {settings.url}   (Ctrl-C ends it)", flush=True)
    uvicorn.run(app, host=host, port=port, log_level="warning", proxy_headers=False, server_header=False)
    # What runs beside the page resumes when it starts again; an encoder that is loading is not waited for.
    sys.stdout.flush()
    os._exit(0)


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
