"""同一问题问同行 — django-ogc-sensorthings on PostgreSQL, run by `bench.latest` with another environment's Python.

`PYTHON latest_peer.py FOLDER SOCKET_DIR PG_PORT DATABASE HTTP_PORT SERIES EACH`: makes its tables, fills them
in the database itself, then says in one line of JSON how it can be asked and serves until it is ended.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from uuid import UUID

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from gunicorn.app.base import BaseApplication

FOLDER, SOCKETS, PG_PORT, DATABASE, HTTP_PORT = sys.argv[1:6]
SERIES, EACH = int(sys.argv[6]), int(sys.argv[7])
STEP_S = 300
START = "2026-07-01T00:00:00+08:00"

(Path(FOLDER) / "peer_urls.py").write_text(
    "from django.urls import include, path\n"
    "urlpatterns = [path('sensorthings/', include('sensorthings.versions.v1_1.urls'))]\n",
    encoding="utf-8",
)
sys.path.insert(0, FOLDER)
settings.configure(
    DEBUG=False,
    SECRET_KEY="for this bench only",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="peer_urls",
    USE_TZ=True,
    INSTALLED_APPS=["sensorthings.versions.v1_1", "sensorthings.versions.v1_1.backends.django"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": DATABASE,
            "USER": "shouye",
            "HOST": SOCKETS,
            "PORT": PG_PORT,
            "CONN_MAX_AGE": 600,
        }
    },
    SENSORTHINGS_V1_1_SERVICE_URL=f"http://127.0.0.1:{HTTP_PORT}/sensorthings",
    SENSORTHINGS_V1_1_BACKEND_ADAPTER=("sensorthings.versions.v1_1.backends.django.adapter.DjangoBackendAdapter"),
    SENSORTHINGS_V1_1_ID_TYPE=UUID,
    SENSORTHINGS_V1_1_ID_DELIMITER="'",
    SENSORTHINGS_V1_1_MAX_TOP=1000,
)
django.setup()

from django.db import connection  # noqa: E402 - only after django.setup
from sensorthings.versions.v1_1.backends.django.models import (  # noqa: E402 - only after django.setup
    Datastream,
    FeatureOfInterest,
    Observation,
    ObservedProperty,
    Sensor,
    Thing,
)


def fill() -> None:
    """One datastream for each gauge; observations are made by PostgreSQL itself, with statistics afterwards."""
    sensor = Sensor.objects.create(name="gauge", description="", encoding_type=Sensor.PDF, metadata="")
    rain = ObservedProperty.objects.create(name="rain", definition="", description="")
    place = FeatureOfInterest.objects.create(
        name="place",
        description="",
        encoding_type=FeatureOfInterest.GEOJSON,
        feature={"type": "Point", "coordinates": [113.3, 40.1]},
    )
    things = Thing.objects.bulk_create([Thing(name=f"s{one:05}", description="") for one in range(SERIES)])
    Datastream.objects.bulk_create(
        [
            Datastream(
                name=thing.name,
                description="",
                unit_of_measurement={"name": "millimetre", "symbol": "mm", "definition": ""},
                observation_type=Datastream.OM_MEASUREMENT,
                thing=thing,
                sensor=sensor,
                observed_property=rain,
            )
            for thing in things
        ]
    )
    with connection.cursor() as cursor:
        at = f"timestamptz '{START}' + (n * {STEP_S}) * interval '1 second'"
        cursor.execute(
            f"INSERT INTO {Observation._meta.db_table} "
            "(id, phenomenon_time_begin, result, result_time, datastream_id, feature_of_interest_id) "
            f"SELECT gen_random_uuid(), {at}, n %% 90 / 10.0, {at}, d.id, %s "
            f"FROM generate_series(1, {EACH}) AS n, {Datastream._meta.db_table} AS d",
            [place.id],
        )
        cursor.execute("ANALYZE")
    connection.close()


class Server(BaseApplication):
    """Two workers, as many as there are cores."""

    def load_config(self) -> None:
        self.cfg.set("bind", f"127.0.0.1:{HTTP_PORT}")
        self.cfg.set("workers", 2)
        self.cfg.set("timeout", 600)
        self.cfg.set("loglevel", "error")
        self.cfg.set("when_ready", lambda _server: print(json.dumps(READY), flush=True))

    def load(self) -> object:
        return get_wsgi_application()


call_command("migrate", verbosity=0)
BEGUN = time.perf_counter()
fill()
NEWEST = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1782835200 + EACH * STEP_S))
ROOT = "/sensorthings/v1.1"
READY = {
    "filled_s": time.perf_counter() - BEGUN,
    "versions": {name: version(name) for name in ("django-ogc-sensorthings", "django")},
    "ways": {
        "datastreams with their newest observation": (
            f"{ROOT}/Datastreams?$top={SERIES}&$expand=Observations($orderby=resultTime%20desc;$top=1)"
        ),
        "newest observations, by result time": f"{ROOT}/Observations?$orderby=resultTime%20desc&$top={SERIES}",
        "observations of the one newest instant": (
            f"{ROOT}/Observations?$filter=resultTime%20eq%20{NEWEST}&$top={SERIES}"
        ),
    },
}
Server().run()
