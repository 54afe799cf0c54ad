#!/usr/bin/env python3
"""Makes list.bin, the list of passwords that nobody may choose.

Sources (npm, MIT): @zxcvbn-ts/language-common 4.1.3, passwords.json: the most frequent passwords of public breaches;
@zxcvbn-ts/language-en 4.1.1, commonWords.json and wikipedia.json: of these the words that alone fit the length policy.

    npm pack @zxcvbn-ts/language-common@4.1.3 @zxcvbn-ts/language-en@4.1.1
    for f in zxcvbn-ts-*.tgz; do mkdir "${f%.tgz}"; tar xzf "$f" -C "${f%.tgz}"; done
    python3 make_list.py zxcvbn-ts-language-common-4.1.3 zxcvbn-ts-language-en-4.1.1

Short ones are kept too: a password is compared whole and without the digits and signs around it, so that "password" refuses
"Password2026!". Each entry is the SHA-256 of the password in lower case, cut to eight bytes; sorted.
"""

import hashlib
import json
import pathlib
import sys

common, english = (pathlib.Path(folder) / "package" / "src" for folder in sys.argv[1:3])


def words(path):
    return [word.lower() for word in json.loads(path.read_text(encoding="utf-8"))]


listed = {word for word in words(common / "passwords.json") if len(word) >= 3}
for name in ("commonWords.json", "wikipedia.json"):
    listed |= {word for word in words(english / name) if len(word) >= 12}

entries = sorted({hashlib.sha256(word.encode()).digest()[:8] for word in listed})
(pathlib.Path(__file__).parent / "list.bin").write_bytes(b"".join(entries))
fitting = sum(12 <= len(word) <= 64 for word in listed)
print(f"{len(entries)} entries, of which {fitting} have 12 to 64 characters")
