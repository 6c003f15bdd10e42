"""What the live view and the log show next of what happens in a run."""

from __future__ import annotations

TOGETHER_SECONDS = 1.0
LENGTH = 300


class Messages:
    """What happens within a second is said together; how a Player failed is said again when it is back.

    Else nobody would see it: one that fails is there again in a second or two.
    """

    def __init__(self) -> None:
        self.text = ""
        self._at = -TOGETHER_SECONDS
        self._failures: dict[str, str] = {}

    def say(self, message: str, now: float) -> None:
        """``now``: seconds of any clock."""
        together = now - self._at < TOGETHER_SECONDS and len(self.text) < LENGTH
        self.text = f"{self.text}; {message}" if together and self.text else message
        self._at = now

    def failed(self, player: str, message: str, now: float) -> None:
        """A Player failed; ``message`` names it."""
        self._failures[player] = message
        self.say(message, now)

    def joined(self, player: str, message: str, now: float) -> None:
        """A Player is here, or here again."""
        failure = self._failures.pop(player, "")
        known = failure in self.text and now - self._at < TOGETHER_SECONDS
        self.say(message if known or not failure else f"{failure}; {message}", now)
