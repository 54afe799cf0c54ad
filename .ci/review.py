"""Fails unless the pull request's description answers every question under "Object access" of the template.

Environment: DESCRIPTION is the text of the pull request, and BASE is the commit on which it is based. The questions
come from BASE, so that a pull request cannot remove the questions that it must answer.
"""

import fnmatch
import os
import re
import subprocess
import sys

TEMPLATE = ".github/pull_request_template.md"
# Files that decide which objects a request can read: statements, row-level security policies, and routes.
FETCHES = ("src/*store.rs", "src/db/*", "migrations/*", "src/app/routes.rs")


def fetching(paths: list[str]) -> list[str]:
    return [path for path in paths if any(fnmatch.fnmatchcase(path, pattern) for pattern in FETCHES)]


def questions(template: str) -> list[str]:
    section = re.split(r"^## ", template, flags=re.MULTILINE)
    return [
        question
        for part in section
        if part.startswith("Object access\n")
        for question in re.findall(r"^- \[ \] (.*(?:\n  .*)*)", part, re.MULTILINE)
    ]


def unanswered(template: str, description: str) -> list[str]:
    """Returns the boxes without a tick. Ticks in comments and code blocks do not count, because the page does not show them as ticks."""
    visible = re.sub(r"<!--.*?(-->|\Z)", "", description.replace("\r\n", "\n"), flags=re.DOTALL)
    visible = re.sub(r"^(```|~~~).*?(^\1|\Z)", "", visible, flags=re.MULTILINE | re.DOTALL)
    ticked = re.findall(r"^[-*] \[[xX]\] (.*(?:\n  .*)*)", visible, re.MULTILINE)
    return [question for question in questions(template) if question not in ticked]


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


def main() -> None:
    base = os.environ["BASE"]
    # --no-renames also lists the old name of a file that was moved. A moved store must still be reviewed.
    changed = git("diff", "--name-only", "--no-renames", f"{base}...HEAD").splitlines()
    touched = fetching(changed)
    if not touched:
        print("no changed file fetches objects")
        return
    print("changed files that fetch objects:", *touched, sep="\n  ")
    template = git("show", f"{base}:{TEMPLATE}")
    if not questions(template):
        sys.exit("FAILED: the template has no questions under '## Object access'")
    if missing := unanswered(template, os.environ["DESCRIPTION"]):
        sys.exit("FAILED: tick these under 'Object access', or change the code:\n  " + "\n  ".join(missing))


if __name__ == "__main__":
    main()
