"""How often a reader may do what costs something: a window that slides, by subject and by network."""

import ipaddress
import threading
from collections import OrderedDict
from collections.abc import Callable

from octavo.page.settings import Rate

REMEMBERED = 50_000
NETWORK_FACTOR = 5
"""A network may do so many times what one subject may: a school has one address."""


class Limiter:
    """Counts requests in the current and the last window, weighted by how much of the last one still counts.

    Args:
        now: seconds, of any start.

    Example:
        >>> limiter = Limiter(lambda: 0.0)
        >>> [limiter.wait("vote", "reader", Rate(2, 60)) for _ in range(3)]
        [0.0, 0.0, 60.0]
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._counts: OrderedDict[tuple[str, str], tuple[int, int, int]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, what: str, who: str, rate: Rate) -> float:
        """Counts a request, and says how many seconds to wait; 0 lets it pass.

        Args:
            what: the kind of request.
            who: the subject or network.
            rate: what is allowed.
        """
        window, into = divmod(self._now(), rate.seconds)
        with self._lock:
            at, now, before = self._counts.pop((what, who), (int(window), 0, 0))
            if at != int(window):
                now, before = 0, now if at == int(window) - 1 else 0
            past = 1 - into / rate.seconds
            refused = now + before * past >= rate.requests
            self._counts[(what, who)] = (int(window), now + (not refused), before)
            if len(self._counts) > REMEMBERED:
                self._counts.popitem(last=False)
        if not refused:
            return 0.0
        return max(1.0, rate.seconds - into if now >= rate.requests else rate.seconds * 0.1)


def network(address: str) -> str:
    """The network that an address is counted with: /24 of IPv4, /48 of IPv6.

    Example:
        >>> network("192.0.2.77"), network("2001:db8:1:2::3"), network("testclient")
        ('192.0.2.0/24', '2001:db8:1::/48', 'unknown')
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return str(ipaddress.ip_network(f"{parsed}/{24 if parsed.version == 4 else 48}", strict=False))
