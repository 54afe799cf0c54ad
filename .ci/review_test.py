"""Tests that a change to code that fetches objects fails without visible answers. `.ci/files` runs this file."""

import subprocess
import unittest
from pathlib import Path

from review import TEMPLATE, fetching, questions, unanswered

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / TEMPLATE).read_text(encoding="utf-8")
ASKED = questions(TEXT)
ANSWERED = TEXT.replace("- [ ]", "- [x]")


class ObjectAccessReview(unittest.TestCase):
    def test_every_store_of_the_project_is_watched(self):
        files = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
        stores = [path for path in files if path.startswith("src/") and path.endswith("store.rs")]
        self.assertGreater(len(stores), 20)
        self.assertEqual(fetching(stores), stores)
        for path in ["src/features/a/b/quota_store.rs", "src/db/owner_tx.rs", "migrations/1.sql", "src/app/routes.rs"]:
            self.assertEqual(fetching([path]), [path])
        self.assertEqual(fetching(["src/features/a/views.rs", "docs/limits.md", "src/app/mod.rs"]), [])

    def test_ticked_description_passes(self):
        self.assertEqual(len(ASKED), 4)
        self.assertEqual(unanswered(TEXT, ANSWERED), [])
        self.assertEqual(unanswered(TEXT, ANSWERED.replace("[x]", "[X]").replace("\n", "\r\n")), [])

    def test_empty_description_and_one_open_box_fail(self):
        self.assertEqual(unanswered(TEXT, ""), ASKED)
        self.assertEqual(unanswered(TEXT, ANSWERED.replace("- [x]", "- [ ]", 1)), ASKED[:1])

    def test_removed_and_reworded_question_fails(self):
        for change in ["", "- [x] It is fine\n"]:
            description = ANSWERED.replace(f"- [x] {ASKED[1]}\n", change)
            self.assertEqual(unanswered(TEXT, description), [ASKED[1]])

    def test_answers_that_no_reader_sees_fail(self):
        ticks = "".join(f"- [x] {question}\n" for question in ASKED)
        self.assertEqual(unanswered(TEXT, ticks), [])
        hidden = [f"<!--\n{ticks}-->", f"<!--\n{ticks}", f"```\n{ticks}```", f"~~~text\n{ticks}"]
        quoted = "".join(f"As was said: - [x] {question}\n" for question in ASKED)
        for description in [*hidden, quoted]:
            with self.subTest(description[:10]):
                self.assertEqual(unanswered(TEXT, description), ASKED)


if __name__ == "__main__":
    unittest.main()
