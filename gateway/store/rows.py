"""Puts a row in place of what was there and writes only what changed.

SQLite writes whole pages: a column that is set again, to what it was, costs the pages of every index that holds it. Most of what
is kept here is kept again with one or two values moved.
"""

from collections.abc import Mapping

from gateway.store.database import Connection, Value

_NOTHING: Mapping[str, Value] = {}


def keep(
    con: Connection,
    table: str,
    key: Mapping[str, Value],
    values: Mapping[str, Value],
    at_first: Mapping[str, Value] = _NOTHING,
) -> None:
    """Make the row with this key have these values; a new row gets those of `at_first` too. The names are ours, never input."""
    where = " AND ".join(f"{name} = ?" for name in key)
    found = con.execute(f"SELECT {', '.join(values)} FROM {table} WHERE {where}", tuple(key.values())).fetchone()
    if found is None:
        row = {**key, **values, **at_first}
        marks = ", ".join("?" * len(row))
        con.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
        return
    changed = {name: value for (name, value), old in zip(values.items(), found, strict=True) if value != old}
    if changed:
        sets = ", ".join(f"{name} = ?" for name in changed)
        con.execute(f"UPDATE {table} SET {sets} WHERE {where}", (*changed.values(), *key.values()))
