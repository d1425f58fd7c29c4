"""Does what it is told, good or bad."""

import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Literal

What = Literal[
    "draw", "sleep", "spin", "memory", "network", "process", "read", "write", "die", "kill", "error", "html"
]


def demo(
    what: What = "draw", image: Path | None = None, path: str = "", size: int = 3, often: bool = False
) -> dict[str, Any]:
    """Does one thing.

    Args:
        what: which.
        image: a picture.
        path: of a file.
        size: of the drawing.
    """
    match what:
        case "sleep":
            time.sleep(600)
        case "spin":
            while True:
                pass
        case "memory":
            return {"bytes": len(bytearray(8 << 30))}
        case "network":
            socket.create_connection(("127.0.0.1", 9), timeout=1)
        case "process":
            subprocess.run(["true"], check=False)
        case "read":
            return {"text": Path(path).read_text()}
        case "write":
            Path(path).write_text("x")
        case "die":
            os.abort()
        case "kill":
            os.kill(os.getppid(), 9)
        case "error":
            raise ValueError("size=3 came, 4 is needed; use 4")
        case "html":
            return {"text": "<script>alert(1)</script>", "name": "<img src=x onerror=alert(1)>"}
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots()
    axis.plot(range(size))
    Path("scratch.txt").write_text("mine")
    return {"size": size, "often": often, "picture": image and image.suffix, "figure": figure}
