"""Counts its visits in Redis with Flask, as the hit counter of Docker Compose's quickstart does."""
import os
import time

import flask
import redis

TRIES = 5

app = flask.Flask(__name__)
host, port = os.environ["REDIS_ADDR"].rsplit(":", 1)
with open(os.environ["REDIS_PASSWORD_FILE"], encoding="utf-8") as file:
    cache = redis.Redis(host, int(port), password=file.read().strip())


def count_visit():
    """Returns the number of this visit.

    While Redis can't be reached, it tries again. If Redis has counted the visit and only the answer
    is lost, the visit is counted twice.
    """
    for attempt in range(1, TRIES + 1):
        try:
            return cache.incr(os.environ["VISITS_KEY"])
        except redis.ConnectionError:
            if attempt == TRIES:
                raise
            time.sleep(0.5)


@app.get("/")
def home():
    return f"<p>Visits: {count_visit()}</p>\n"
