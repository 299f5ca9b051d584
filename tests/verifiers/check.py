"""What a Python verifier must do with the cases of forge.py."""

import json
import sys
from datetime import datetime, timedelta


class Later(datetime):
    """The clock when an access token of now has expired."""

    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + timedelta(minutes=11)


def check(library, subject_of, refusal, at_a_later_time) -> None:
    """`subject_of(token)` gives the subject or raises `refusal`."""
    cases = json.load(open(sys.argv[1]))

    def report(what: str, good: bool, found: str) -> None:
        print(f"{'ok' if good else 'FAILED'}  {library}  {what}" + ("" if good else f": {found}"))

    def attempt(token: str) -> str:
        try:
            return "accepted for " + subject_of(token)
        except refusal as error:
            return f"refused: {error}"

    found = attempt(cases["good"])
    report("accepts a good token", found == "accepted for " + cases["subject"], found)
    with at_a_later_time:
        found = attempt(cases["good"])
    # For the right reason: a verifier that is broken refuses everything.
    is_expired = found.startswith("refused") and "expired" in found
    report("refuses it when it has expired", is_expired, found)
    for what, token in cases["bad"].items():
        found = attempt(token)
        report(f"refuses {what}", found.startswith("refused"), found)
