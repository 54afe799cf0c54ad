#!/usr/bin/env python3
"""Uses a new service as a new user does: registers by mail, chooses a password, creates and issues an invoice.

Usage: first_steps.py BASE CA MAIL DEMO_PASSWORD_FILE. BASE is the URL of the service, CA the file of its certificate authority,
MAIL the URL of the mail catcher (Mailpit), and DEMO_PASSWORD_FILE contains the password of the demo users.
"""
import json
import re
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

base, authority, mail, demo_password_file = sys.argv[1:]
trust = ssl.create_default_context(cafile=authority)
address = f"first-steps-{time.time_ns()}@example.com"
password, next_password = "seven quiet green lanterns", "eight loud purple kettles"


def ask(method, url, body=None, headers=None, expect=200):
    """Sends one request and returns headers and body. Ends the script if the status is not the expected status."""
    headers = {"Content-Type": "application/json", **(headers or {})} if body is not None else dict(headers or {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        reply = urllib.request.urlopen(request, timeout=20, context=trust if url.startswith("https") else None)
    except urllib.error.HTTPError as refusal:
        reply = refusal
    content = reply.read()
    path = urllib.parse.urlsplit(url).path
    if reply.status != expect:
        sys.exit(f"FAILED: {method} {path}: {reply.status} instead of {expect}: {content.decode(errors='replace')}")
    print(f"{method} {path}: {reply.status}")
    return reply.headers, content


def api(method, path, body=None, token=None, version=None, expect=200):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if version:
        headers["If-Match"] = version
    headers, content = ask(method, f"{base}/api/v1/{path}", body, headers, expect)
    return headers, json.loads(content) if content[:1] == b"{" else content


def token_from_mail(page):
    """Waits for a mail to the test user with a link to this page, and returns the token in the newest such mail."""
    to = urllib.parse.quote(f'to:"{address}"')
    for _ in range(120):
        with urllib.request.urlopen(f"{mail}/api/v1/search?query={to}", timeout=20) as found:
            messages = json.load(found)["messages"]
        for message in messages:
            with urllib.request.urlopen(f"{mail}/api/v1/message/{message['ID']}", timeout=20) as one:
                text = json.load(one)["Text"]
            link = re.search(re.escape(f"{base}/{page}#token=") + r"([A-Za-z0-9_-]{43})\b", text)
            if link:
                return link.group(1)
        time.sleep(0.5)
    sys.exit(f"FAILED: no mail with a link to {base}/{page}")


def sign_in(email, secret):
    return api("POST", "auth/login", {"email": email, "password": secret})[1]["access_token"]


for page in ["confirm", "reset", "docs"]:
    headers, content = ask("GET", f"{base}/{page}")
    assert headers["Content-Type"].startswith("text/html") and content.startswith(b"<!doctype html>"), page

api("POST", "auth/register", {"email": address}, expect=202)
new_user = {"token": token_from_mail("confirm"), "password": password, "display_name": "First Steps"}
api("POST", "auth/confirm", new_user, expect=204)
token = sign_in(address, password)

headers, _ = api("GET", "me/business", token=token)
business = {"name": "First Steps Ltd", "iban": "NL91ABNA0417164300", "time_zone": "Europe/Amsterdam", "payment_terms_days": 14}
api("PUT", "me/business", business, token, headers["ETag"])
_, customer = api("POST", "customers", {"name": "Acme Ltd", "default_currency": "EUR"}, token, expect=201)
lines = [{"description": "Consulting", "quantity": "1.5", "unit_price": "100.00", "tax_rate": "21"}]
draft = {"customer_id": customer["id"], "currency": "EUR", "lines": lines}
headers, invoice = api("POST", "invoices", draft, token, expect=201)
_, issued = api("POST", f"invoices/{invoice['id']}/issue", token=token, version=headers["ETag"])
assert issued["status"] == "issued" and issued["number"].endswith("-0001") and issued["due_date"], issued
_, pdf = api("GET", f"invoices/{invoice['id']}/pdf", token=token)
assert pdf.startswith(b"%PDF-"), "the invoice is not a PDF"

api("POST", "auth/password-reset", {"email": address}, expect=202)
new_password = {"token": token_from_mail("reset"), "new_password": next_password}
api("POST", "auth/password-reset/confirm", new_password, expect=204)
sign_in(address, next_password)

with open(demo_password_file, encoding="ascii") as file:
    anna = sign_in("anna@demo.example", file.read().strip())
_, invoices = api("GET", "invoices", token=anna)
assert len(invoices["items"]) >= 6, "demo invoices are missing"
print(f"registered by mail, issued {issued['number']}, chose a new password, signed in as a demo user")
