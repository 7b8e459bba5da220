"""Django with sessions in its database on SQLite, under gunicorn, as its docs deploy it."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import django
from django.conf import settings
from django.core.management import call_command
from django.http import HttpRequest, JsonResponse
from django.urls import path
from gunicorn.app.base import BaseApplication

if TYPE_CHECKING:
    from collections.abc import Callable

FACTS: Final = json.loads((Path(__file__).parent / "facts.json").read_text())
TOUCH_S: Final = FACTS["touch_s"]

settings.configure(
    DEBUG=False,
    SECRET_KEY=FACTS["secret"],
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.sessions"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.db",
    USE_TZ=True,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": sys.argv[1],
            "CONN_MAX_AGE": None,  # connections are kept, as its docs advise for speed
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
            },
        }
    },
)
django.setup()


def check(request: HttpRequest) -> JsonResponse:
    """Answer what the session of the cookie is, and note its use."""
    session = request.session
    now = int(time.time())
    found = session.get("session")
    if found is None or found["state"] != "open" or now >= found["expires_at"]:
        return JsonResponse({"error": "no session"}, status=401)
    if now - session["last_used_at"] >= TOUCH_S:
        session["last_used_at"] = now
    return JsonResponse({**found, "last_used_at": session["last_used_at"]})


def open_one(request: HttpRequest) -> JsonResponse:
    """Open a session for a backend that shows its key."""
    if request.headers.get("authorization") != f"Bearer {FACTS['secret']}":
        return JsonResponse({"error": "no key"}, status=401)
    now = int(time.time())
    opened = {**FACTS["session"], "created_at": now, "expires_at": now + FACTS["life_s"]}
    request.session.create()
    request.session["session"] = opened
    request.session["last_used_at"] = now
    request.session.save()
    return JsonResponse(opened, status=201)


urlpatterns = [path("session", check), path("sessions", open_one)]


def _end_with_input() -> None:
    """End gunicorn when whoever started it is gone."""
    while os.read(0, 4096):
        pass
    os.kill(os.getppid(), signal.SIGTERM)


class Peer(BaseApplication):  # type: ignore[misc]
    """One worker process with threads, which keeps connections."""

    def load_config(self) -> None:
        """Set what the command line of gunicorn would."""
        wanted = {
            "bind": "127.0.0.1:0",
            "workers": 1,
            "worker_class": "gthread",
            "threads": 4,
            "keepalive": 75,
            "loglevel": "warning",
            "when_ready": lambda server: print(
                json.dumps({"port": server.LISTENERS[0].sock.getsockname()[1]}), flush=True
            ),
            "post_worker_init": lambda _: threading.Thread(
                target=_end_with_input, daemon=True
            ).start(),
        }
        for name, value in wanted.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        """Return the application."""
        from django.core.wsgi import get_wsgi_application  # noqa: PLC0415 - after the settings

        return get_wsgi_application()


if __name__ == "__main__":
    sys.modules["django_peer"] = sys.modules["__main__"]
    call_command("migrate", verbosity=0)
    Peer().run()
