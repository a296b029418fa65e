"""在用测站 — which gauges we listen to, by whatever name they are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from shouye.base.access import WHOLE, Scope, concerns
from shouye.base.kernel import Tx
from shouye.watch.stations import store
from shouye.watch.stations.model import Gauge, SameSource, coverage


def watch(
    tx: Tx,
    county_of: Mapping[str, str],
    divisions: Iterable[str],
    areas: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    aliases: Mapping[tuple[str, str], str] = MappingProxyType({}),
) -> None:
    """在用测站登记 — listen to these gauges (`station -> county`) for these divisions, and to no others."""
    gauges = [
        Gauge(station, county, coverage(areas, station, county)) for station, county in sorted(county_of.items())
    ]
    store.replace_gauges(tx, gauges, divisions)
    store.put_aliases(tx, aliases)


def gauges(tx: Tx, scope: Scope) -> dict[str, Gauge]:
    """在用测站 — by station id; those of counties that concern the scope."""
    found = store.all_gauges(tx)
    return {station: one for station, one in found.items() if concerns(tx, scope, one.county)}


def watched_divisions(tx: Tx) -> list[str]:
    """应监测区划 — the divisions that somebody must speak for."""
    return store.watched_divisions(tx)


def resolve(tx: Tx, system: str, code: str) -> str | None:
    """认站 — our station for a code of a feed or a code system; None when nobody has said."""
    return store.station_of(tx, system, code)


def aliases(tx: Tx) -> dict[tuple[str, str], str]:
    """测站别名 — (system, code) -> station, for whoever resolves many."""
    return store.aliases(tx)


def note_same(tx: Tx, element: str, found: Iterable[SameSource]) -> None:
    """重复测源登记 — what was found takes the place of what was known of this element."""
    store.replace_same(tx, element, found)


def same_sources(tx: Tx, scope: Scope, element: str | None = None) -> list[SameSource]:
    """重复测源 — of gauges that concern the scope."""
    found = store.same_sources(tx, element)
    mine = gauges(tx, scope) if scope != WHOLE else {}
    return [one for one in found if scope == WHOLE or one.station in mine]


def one_source(tx: Tx, element: str) -> dict[str, str]:
    """同源 — station -> the station whose readings it has, for all that are in such a group."""
    pairs = [(one.station, one.same_as) for one in store.same_sources(tx, element)]
    return dict(pairs) | {leader: leader for _, leader in pairs}
