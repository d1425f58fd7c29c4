"""A sender that is killed in its round: python dying_sender.py FOLDER MAILS NOW SECRET AFTER OUT."""

import os
import sys
from email.message import EmailMessage
from pathlib import Path

from octavo.page.digest import sending
from octavo.page.digest.postbox import Folder
from octavo.page.settings import MailSettings, Settings
from octavo.page.store import Store
from octavo.page.tokens import Tokens


class Dying:
    """Takes some mails, and then takes the process with it: after the mail is out, or before."""

    def __init__(self, folder: Path, after: int, out: bool) -> None:
        self.folder, self.left, self.out = Folder(folder), after, out

    def post(self, message: EmailMessage) -> None:
        if self.left == 0:
            if self.out:
                self.folder.post(message)
            os._exit(9)
        self.left -= 1
        self.folder.post(message)


def main(folder: str, mails: str, now: str, secret: str, after: str, out: str) -> None:
    settings = Settings(
        secret, "https://papers.example", mail=MailSettings(folder=Path(mails), a_second=100_000)
    )
    store = Store(folder=Path(folder), now=lambda: float(now))
    sending.queue(store, "day", lambda text, limit: [])
    box = Dying(Path(mails), int(after), out == "True")
    sending.send(settings, store, Tokens(secret, store.now), box, sleep=lambda seconds: None)


if __name__ == "__main__":
    main(*sys.argv[1:])
