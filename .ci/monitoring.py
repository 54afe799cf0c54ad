"""Runs every query of the dashboard on a running Prometheus while the service receives requests, and reads the state of the rules."""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

# Queries that may return no data, because the test causes no errors and sends no traces.
MAY_BE_EMPTY = ('status=~"5.."', "strongroom_trace_spans_total")


def get(path):
    with urllib.request.urlopen(os.environ["PROMETHEUS"] + path, timeout=10) as reply:
        return json.load(reply)["data"]


def ask(query):
    return get("/api/v1/query?" + urllib.parse.urlencode({"query": query}))["result"]


def traffic():
    for path in ("/health/live", "/nowhere"):
        try:
            urllib.request.urlopen(os.environ["SERVICE"] + path, timeout=10).close()
        except urllib.error.HTTPError:
            pass


def main():
    # Prometheus can compute a rate only after several scrapes, so send requests between the scrapes.
    for _ in range(120):
        traffic()
        time.sleep(0.25)
        try:
            if float(ask("count_over_time(strongroom_build_info[1m])")[0]["value"][1]) >= 6:
                break
        except (urllib.error.URLError, ConnectionError, IndexError):
            pass
    else:
        sys.exit("Prometheus did not scrape the service in time")
    with open("deploy/grafana/strongroom.json", encoding="utf-8") as file:
        panels = json.load(file)["panels"]
    empty = []
    for panel in panels:
        for target in panel["targets"]:
            query = target["expr"].replace("$__rate_interval", "1m").replace("$job", "strongroom")
            if not ask(query) and not any(part in query for part in MAY_BE_EMPTY):
                empty.append(f"{panel['title']}: {query}")
    rules = [rule for group in get("/api/v1/rules")["groups"] for rule in group["rules"]]
    faulty = [rule["name"] for rule in rules if rule["health"] != "ok" or rule["state"] == "firing"]
    if empty or faulty or len(rules) < 10:
        sys.exit(f"queries without data: {empty}; rules that fail, or fire without cause: {faulty}")
    print(f"Prometheus returned data for {len(panels)} panels and evaluated {len(rules)} rules")


main()
