"""Speaks HTTP to a server: JSON in and out, one kept-alive connection a thread. Knows nothing of call centers."""

import http.client
import json
import threading
import time
import urllib.parse
from collections import Counter

TIMEOUT_SECONDS = 60
# How often answers 429 and 503, and connections that the server has closed meanwhile, are tried again.
ATTEMPTS = 20
CONNECTIONS = 3


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, what, status, error):
        self.status = status
        self.code = error.get("code", "")
        details = "".join(f" ({d['field']}: {d['message']})" for d in error.get("details") or [])
        super().__init__(f"{what}: {status} {self.code}: {error.get('message', '')}{details}")


class Server:
    """Where requests go, and how many went."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not the address of a server: {url}")
        secure = parts.scheme == "https"
        self._connection = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._host, self._port = parts.hostname, parts.port or (443 if secure else 80)
        self._base = parts.path.rstrip("/")
        self._of_thread = threading.local()
        self._lock = threading.Lock()
        self.counts = Counter()

    def count(self, what):
        with self._lock:
            self.counts[what] += 1

    def request(self, method, path, body=None, token=None):
        """The body of a success; `Refused` otherwise. Waits as long as the server asks for."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        what = f"{method} {path}"
        for attempt in range(1, ATTEMPTS + 1):
            response = self._exchange(method, path, data, headers, attempt)
            if response is None:
                continue
            status, retry_after, raw = response
            if status in (429, 503) and attempt < ATTEMPTS:
                self.count(f"waits after {status}")
                time.sleep(retry_after)
                continue
            return self._read(what, status, raw)
        raise Refused(what, 0, {"message": "no answer"})

    def _exchange(self, method, path, data, headers, attempt):
        connection = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._connection(self._host, self._port, timeout=TIMEOUT_SECONDS)
            self._of_thread.connection = connection
        self.count("requests")
        try:
            connection.request(method, self._base + path, body=data, headers=headers)
            response = connection.getresponse()
            raw = response.read()
        except (http.client.HTTPException, ConnectionError):
            # Kept alive too long. All reports can be repeated.
            connection.close()
            if attempt >= CONNECTIONS:
                raise
            self.count("connections opened again")
            return None
        return response.status, _seconds(response.headers.get("Retry-After")), raw

    def _read(self, what, status, raw):
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            body = {}
        if 200 <= status < 300:
            return body
        error = body.get("error") if isinstance(body, dict) else None
        raise Refused(what, status, error or {})


def _seconds(text):
    return float(text) if text and text.isdigit() else 1.0


class Program:
    """Whoever holds an API key."""

    def __init__(self, server, key):
        self.server, self.key = server, key

    def call(self, method, path, body=None):
        return self.server.request(method, path, body, self.key)

    def data(self, method, path, body=None):
        return self.call(method, path, body)["data"]


class User(Program):
    """Somebody who signs in; the sign-in is renewed when its token has expired."""

    def __init__(self, server, email, password):
        super().__init__(server, None)
        tokens = self._sign("login", {"email": email, "password": password})
        self.id, self._login = tokens["user"]["id"], (email, password)
        self._lock = threading.Lock()

    def _sign(self, how, body):
        tokens = self.server.request("POST", f"/api/v1/auth/{how}", body)["data"]
        self.key, self._refresh = tokens["access_token"], tokens["refresh_token"]
        return tokens

    def call(self, method, path, body=None):
        used = self.key
        try:
            return self.server.request(method, path, body, used)
        except Refused as refused:
            if refused.status != 401:
                raise
        with self._lock:
            if self.key == used:
                self._sign("refresh", {"refresh_token": self._refresh})
        return self.server.request(method, path, body, self.key)
