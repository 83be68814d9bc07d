#!/usr/bin/env python3
"""An example of the product's side: a settings page that stores a password and shows at once what the provider says to it.

    MAILAUDIT_TOKEN=… ./server.py --api http://127.0.0.1:9465 --listen 127.0.0.1:8080 --store ./store-secret

The page is at /settings/ACCOUNT_ID. --store is the product's own way to store a secret: it is run with the account's id as its
argument and the password on its standard input. The token stays on this side: a browser never has it. Left to the product: whose
session this is and which accounts are theirs, a token against forged requests, TLS.
"""
import argparse
import datetime
import http.server
import json
import os
import pathlib
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

PAGE = pathlib.Path(__file__).with_name("settings.html").read_bytes()
LONGEST = 4096  # bytes of a form


def ask(api, token, method, path):
    """Returns status, headers and the members of mailaudit's answer."""
    request = urllib.request.Request(api + path, method=method, headers={"Authorization": "Bearer " + token})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers, {}


def check(api, token, account):
    """What the page shows: a verdict, or when the account can be checked again."""
    at = "/v1/accounts/" + urllib.parse.quote(account, safe="")
    status, headers, got = ask(api, token, "POST", at + "/check")
    if status == 200:
        return {"verdict": got["verdict"], "guide_url": got["guide_url"]}
    if status in (409, 429):
        later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=int(headers["Retry-After"]))
        return {"retry_at": later.isoformat()}
    for _ in range(30 if status == 202 else 0):  # it is being asked
        time.sleep(1)
        last = ask(api, token, "GET", at)[2].get("last_check") or {}
        if last.get("state") == "done":
            return {"verdict": last["verdict"], "guide_url": ""}
        if last.get("state") in ("failed", "waits"):
            return {"retry_at": last["retry_at"]} if last.get("retry_at") else {}
    return {}


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, "text/html; charset=utf-8", PAGE)

    def do_POST(self):
        account = urllib.parse.unquote(self.path.removeprefix("/settings/"))
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= LONGEST:
            return self.answer(413, "application/json", b"{}")
        password = urllib.parse.parse_qs(self.rfile.read(length).decode()).get("password", [""])[0]
        if subprocess.run([self.server.store, account], input=password.encode(), stdout=subprocess.DEVNULL).returncode != 0:
            return self.answer(500, "application/json", b"{}")
        try:
            shown = check(self.server.api, self.server.token, account)
        except OSError:  # the secret is stored; the watch or the night asks
            shown = {}
        self.answer(200, "application/json", json.dumps(shown).encode())

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--api", default="http://127.0.0.1:9465")
    flags.add_argument("--listen", default="127.0.0.1:8080")
    flags.add_argument("--store", required=True, help="program that stores a secret: its argument is the account, the password its input")
    given = flags.parse_args()
    host, port = given.listen.rsplit(":", 1)
    server = http.server.ThreadingHTTPServer((host, int(port)), Page)
    server.api, server.token, server.store = given.api, os.environ["MAILAUDIT_TOKEN"], given.store
    server.serve_forever()


if __name__ == "__main__":
    main()
