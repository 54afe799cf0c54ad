"""Completes generated requests with values that a schema cannot describe, as a real client would:

- the password of an existing user, and the cookie of the user's own session;
- the id of the user's own customer, and an existing currency;
- integers without a decimal point, and amounts that are not too large;
- the current version in If-Match and If-None-Match;
- a new idempotency key for each request, and only cursors that the service has returned;
- text without invisible characters.

Without these values, each such route would refuse every generated request. Only valid cases are changed. Cases that
schemathesis generates as invalid stay invalid."""

import os
import re
import unicodedata
import uuid

import requests
import schemathesis
from schemathesis import GenerationMode

# These operations end the login session, so each call gets a new one.
ENDS = ["POST /api/v1/auth/logout", "DELETE /api/v1/auth/sessions", "DELETE /api/v1/auth/sessions/{id}"]
CURRENCIES = ["EUR", "JPY", "KWD", "USD"]
# How many generated logins may still get the correct password. A user has at most ten sessions.
sign_ins = {"left": 3}
refresh = {"cookie": None}


def sound(case):
    return case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE


def whole(value):
    """Replaces numbers such as 1.0 with integers. In JSON Schema, both are integers."""
    if isinstance(value, dict):
        return {name: whole(member) for name, member in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


# The invisible characters (Unicode: Default_Ignorable_Code_Point) whose category is not Cf.
IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")


def visible(value):
    """Replaces invisible, private-use and unassigned characters, because the pattern of a schema cannot exclude Unicode categories."""
    if isinstance(value, dict):
        return {name: visible(member) for name, member in value.items()}
    if isinstance(value, list):
        return [visible(item) for item in value]
    if not isinstance(value, str):
        return value
    hidden = ("Cf", "Cn", "Co", "Cs")
    return "".join("x" if unicodedata.category(c) in hidden or IGNORABLE.match(c) else c for c in value)


def affordable(line):
    # The allowed number of decimals depends on the currency. Six digits keep the total below its maximum.
    line["unit_price"] = line["unit_price"].split(".")[0][:6]
    # A discount must not exceed the amount of the line, and has either a rate or an amount.
    line.pop("discount_amount", None)
    if not 0 < float(line["quantity"]) < 1_000_000:
        line["quantity"] = "1"


def credentials():
    return {"email": os.environ["FUZZ_EMAIL"], "password": os.environ["FUZZ_PASSWORD"]}


def sign_in(base):
    reply = requests.post(f"{base}/api/v1/auth/login", json=credentials(), timeout=20)
    reply.raise_for_status()
    return reply.json()["access_token"], reply.headers["Set-Cookie"].split(";")[0]


@schemathesis.hook
def before_call(context, case, kwargs):
    if not sound(case):
        return
    signed = {"Authorization": (kwargs.get("headers") or {}).get("Authorization") or case.headers.get("Authorization", "")}
    base = case.operation.schema.get_base_url()
    path = base + case.operation.path.format(**(case.path_parameters or {}))
    name = f"{case.operation.method.upper()} {case.operation.path}"
    if case.headers is None:
        case.headers = {}
    headers = case.headers
    if name == "POST /api/v1/auth/login" and sign_ins["left"]:
        sign_ins["left"] -= 1
        case.body = credentials()
    if name == "POST /api/v1/auth/refresh":
        if refresh["cookie"] is None:
            _, refresh["cookie"] = sign_in(base)
        headers["Cookie"] = refresh["cookie"]
        headers["Origin"] = os.environ["FUZZ_ORIGIN"]
    if name in ENDS:
        signed["Authorization"] = f"Bearer {sign_in(base)[0]}"
        headers["Authorization"] = signed["Authorization"]
        if case.path_parameters:
            sessions = requests.get(f"{base}/api/v1/auth/sessions", headers=signed, timeout=20).json()["items"]
            case.path_parameters["id"] = sessions[0]["id"]
    if case.query:
        case.query = visible(case.query)
    if isinstance(case.body, dict):
        case.body = visible(whole(case.body))
        if "customer_id" in case.body:
            for line in case.body["lines"]:
                affordable(line)
            case.body.pop("discount_amount", None)
        for field in ("currency", "default_currency"):
            if field in case.body and case.body[field] not in CURRENCIES:
                case.body[field] = CURRENCIES[len(str(case.body)) % len(CURRENCIES)]
        if "customer_id" in case.body:
            known = requests.get(f"{base}/api/v1/customers/{case.body['customer_id']}", headers=signed, timeout=20)
            own = requests.get(f"{base}/api/v1/customers", params={"limit": 1}, headers=signed, timeout=20)
            if not known.ok and own.ok and own.json()["items"]:
                case.body["customer_id"] = own.json()["items"][0]["id"]
    if name.endswith("/issue") and isinstance(case.body, dict):
        # The allowed dates depend on today's date and on the time zone of the business.
        case.body.pop("issue_date", None)
    if name == "PUT /api/v1/me/business" and isinstance(case.body, dict):
        for field, value in (("iban", "NL91ABNA0417164300"), ("time_zone", "Europe/Amsterdam")):
            if case.body.get(field) is not None:
                case.body[field] = value
    if "Idempotency-Key" in headers:
        headers["Idempotency-Key"] = str(uuid.uuid4())
    if "If-Match" in headers:
        read = requests.get(path.removesuffix("/issue").removesuffix("/void"), headers=signed, timeout=20)
        headers["If-Match"] = read.headers.get("ETag", headers["If-Match"])
    if "If-None-Match" in headers:
        headers["If-None-Match"] = requests.get(path, headers=signed, timeout=20).headers.get("ETag", '"1-1-1-1"')
    if "cursor" in (case.query or {}):
        query = {**case.query, "limit": 1}
        query.pop("cursor")
        page = requests.get(path, params=query, headers=signed, timeout=20)
        cursor = page.json().get("next_cursor") if page.ok else None
        if cursor:
            case.query["cursor"] = cursor
        else:
            case.query.pop("cursor")


@schemathesis.hook
def after_call(context, case, response):
    # Each refresh token can be used only once.
    if case.operation.path.endswith("/auth/refresh") and response.status_code == 200:
        refresh["cookie"] = response.headers["set-cookie"][0].split(";")[0]
