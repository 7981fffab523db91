"""Databases with every kind of definition; like tests/torture.py."""

import sqlite3

WIDEST = 2000

NAMES = (
    *("", " ", "two words", 'double "quote"', "single 'quote'", "back`tick", "[bracket]", "semi;colon", "line\nbreak"),
    *("select", "table", "ünïcødé 🎉", "percent%s", "1", "-- comment", "/* comment", "dotted.name", "x" * 500, "CASE"),
    *("sqlite", "sqliteish", "xsqlite_master", "sqlite_", "notes_data", "notes_content", "notes_idx", "tab\t", "\\"),
)


def names(connection: sqlite3.Connection) -> None:
    """Tables, columns, indexes, views and triggers whose names need quoting; the empty one too."""
    for number, name in enumerate(NAMES):
        if name == "sqlite_":
            continue  # reserved
        table, index, view, trigger = (_quoted(prefix + name) for prefix in ("", "i ", "v ", "t "))
        column = _quoted(name)
        connection.execute(f"CREATE TABLE {table} ({column} TEXT, other)")
        connection.execute(f"INSERT INTO {table} VALUES (?, ?)", (name, number))
        connection.execute(f"CREATE INDEX {index} ON {table}({column})")
        connection.execute(f"CREATE VIEW {view} AS SELECT {column} FROM {table}")
        connection.execute(f"CREATE TRIGGER {trigger} AFTER DELETE ON {table} BEGIN SELECT 1; SELECT 2; END")


def generated(connection: sqlite3.Connection) -> None:
    """Generated columns, virtual and stored, in front, between and in an index."""
    connection.execute(
        "CREATE TABLE made (first INT AS (a + 1), a INT, b INT GENERATED ALWAYS AS (a * 2) VIRTUAL, "
        "c TEXT GENERATED ALWAYS AS ('x' || a) STORED, d)"
    )
    connection.execute("INSERT INTO made(a, d) VALUES (1, 'p'), (2, NULL)")
    connection.execute("CREATE INDEX by_made ON made(b)")
    connection.execute("CREATE TABLE made_oid (oid INT AS (1), _rowid_ INT AS (2), x)")
    connection.execute("INSERT INTO made_oid(rowid, x) VALUES (42, 'x')")


def strict(connection: sqlite3.Connection) -> None:
    """STRICT tables, with a column of ANY."""
    connection.execute("CREATE TABLE typed (a INT, t TEXT, r REAL, b BLOB, anything ANY) STRICT")
    connection.execute(
        "INSERT INTO typed VALUES (1, 't', 3, x'01', 5), (2, 'u', 1.5, x'', '5'), (3, '', -0.0, x'', 5.0)"
    )
    connection.execute("CREATE TABLE typed_keyed (k ANY PRIMARY KEY, v) STRICT, WITHOUT ROWID".replace("v)", "v ANY)"))
    connection.execute("INSERT INTO typed_keyed VALUES (1, 1), ('1', 2), (x'31', 3), (1.5, 4)")


def constraints(connection: sqlite3.Connection) -> None:
    """CHECK, NOT NULL, UNIQUE with conflict clauses, defaults of every form, comments within."""
    connection.execute(
        "CREATE TABLE bound (a INT CHECK (a > 0) DEFAULT (1 + 1), -- a comment; with ';' and \"quotes\"\n"
        "b TEXT NOT NULL DEFAULT 'it''s', c REAL DEFAULT -1.5e3, d DEFAULT CURRENT_TIMESTAMP, e BLOB DEFAULT x'00ff',"
        'f UNIQUE ON CONFLICT REPLACE, UNIQUE (a, b) ON CONFLICT IGNORE, CONSTRAINT "odd name" CHECK (length(b) < 9))'
    )
    connection.execute("INSERT INTO bound(f, d) VALUES (1, '2026-01-01'), (NULL, NULL)")
    connection.execute("INSERT INTO bound(a, b, d) VALUES (7, 'x', 1)")
    connection.execute('CREATE TABLE old_quotes (a DEFAULT "text", CHECK (a IN ("text", "not a column")))')
    connection.execute("INSERT INTO old_quotes DEFAULT VALUES")
    connection.execute('CREATE INDEX by_old_quotes ON old_quotes(a) WHERE a = "text"')


def altered(connection: sqlite3.Connection) -> None:
    """Columns added after rows (their values are not stored), dropped and renamed, and a renamed table."""
    connection.execute("CREATE TABLE before_altering (a, b, c)")
    connection.execute("INSERT INTO before_altering VALUES (1, 2, 3)")
    connection.execute("ALTER TABLE before_altering ADD COLUMN d TEXT NOT NULL DEFAULT 'given'")
    connection.execute("ALTER TABLE before_altering DROP COLUMN b")
    connection.execute('ALTER TABLE before_altering RENAME COLUMN c TO "c renamed"')
    connection.execute('ALTER TABLE before_altering RENAME TO "after altering"')
    connection.execute("CREATE TABLE from_query AS SELECT 1 AS \"a b\", 'x' AS c")


def views_and_triggers(connection: sqlite3.Connection) -> None:
    """Views on views and on tables that are gone, triggers that would fire on loading, with END and ; in strings."""
    connection.execute("CREATE TABLE watched (x)")
    connection.execute("CREATE TABLE seen (m)")
    connection.execute("CREATE VIEW upper_view AS SELECT * FROM lower_view")
    connection.execute("CREATE VIEW lower_view(named) AS WITH w AS (SELECT x FROM watched) SELECT x FROM w")
    connection.execute("CREATE VIEW broken AS SELECT * FROM no_such_table")
    connection.execute(
        "CREATE TRIGGER on_insert AFTER INSERT ON watched WHEN new.x IS NOT 'END;' BEGIN\n"
        "INSERT INTO seen VALUES ('; END;\n' || CASE WHEN 1 THEN 2 END);\nDELETE FROM watched WHERE x = 'gone';\nEND"
    )
    connection.execute("CREATE TRIGGER through INSTEAD OF INSERT ON lower_view BEGIN SELECT raise(ABORT, 'no'); END")
    connection.executemany("INSERT INTO watched VALUES (?)", [(1,), ("END;",)])
    connection.execute("DELETE FROM seen")


def indexes(connection: sqlite3.Connection) -> None:
    """Unique, partial, expression, collated and descending indexes."""
    connection.execute("CREATE TABLE searched (a, b TEXT COLLATE RTRIM, c TEXT COLLATE NOCASE)")
    rows = ((n % 7, f"b{n} ", f"C{n}" if n % 3 else None) for n in range(50))
    connection.executemany("INSERT INTO searched VALUES (?, ?, ?)", rows)
    connection.execute("CREATE INDEX by_expression ON searched(length(b) + a, lower(c))")
    connection.execute("CREATE UNIQUE INDEX by_part ON searched(c) WHERE c IS NOT NULL AND a > 100")
    connection.execute("CREATE INDEX by_direction ON searched(a DESC, b COLLATE BINARY ASC)")


def comments_at_the_end(connection: sqlite3.Connection) -> None:
    """Statements that end in a comment, even an unfinished one, or in blank lines."""
    connection.execute("CREATE TABLE remarked (a, b -- the last column\n)")
    connection.execute("CREATE INDEX by_line_comment ON remarked(a) -- why")
    connection.execute("CREATE INDEX by_open_comment ON remarked(b) /* why")
    connection.execute("CREATE INDEX by_blank_lines ON remarked(b, a)\n\n ")
    connection.execute("CREATE VIEW with_line_comment AS SELECT 1 -- why; not")
    connection.execute("CREATE VIEW with_open_comment AS SELECT 2 /* it's")
    connection.execute("INSERT INTO remarked VALUES (1, 2)")


def foreign_keys(connection: sqlite3.Connection) -> None:
    """Keys that point at each other, at nothing, at a missing table, and at a column that is not unique."""
    connection.execute(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY, c REFERENCES child(id) DEFERRABLE INITIALLY DEFERRED)"
    )
    connection.execute("CREATE TABLE child (id INTEGER PRIMARY KEY, p REFERENCES parent(id) ON DELETE CASCADE)")
    connection.execute("CREATE TABLE orphan (x REFERENCES parent(id), y REFERENCES missing(id))")
    connection.execute("CREATE TABLE mismatched (x REFERENCES orphan(x))")
    for table, row in (("parent", "1, 1"), ("child", "1, 1"), ("orphan", "99, 7"), ("mismatched", "1")):
        connection.execute(f"INSERT INTO {table} VALUES ({row})")


def wide(connection: sqlite3.Connection) -> None:
    """As many columns as SQLite allows."""
    connection.execute(f"CREATE TABLE widest ({', '.join(f'c{n}' for n in range(WIDEST))})")
    for row in range(3):
        cells = ", ".join(("NULL", str(row), "'text'", "1.5", "x'00'")[(n + row) % 5] for n in range(WIDEST))
        connection.execute(f"INSERT INTO widest VALUES ({cells})")


def many_tables(connection: sqlite3.Connection) -> None:
    """Hundreds of tables."""
    for number in range(300):
        connection.execute(f"CREATE TABLE many_{number} (x)")
        connection.execute(f"INSERT INTO many_{number} VALUES (?)", (number,))


def statistics(connection: sqlite3.Connection) -> None:
    """The statistics of ANALYZE, with one entry changed by hand."""
    connection.execute("CREATE TABLE counted_rows (a, b)")
    connection.executemany("INSERT INTO counted_rows VALUES (?, ?)", ((n % 3, n) for n in range(100)))
    connection.execute("CREATE INDEX by_counted ON counted_rows(a)")
    connection.execute("ANALYZE")
    connection.execute("UPDATE sqlite_stat1 SET stat = '123456 7' WHERE idx = 'by_counted'")


def numbers_of_the_application(connection: sqlite3.Connection) -> None:
    """user_version and application_id, both negative."""
    connection.execute("CREATE TABLE of_an_application (x)")
    connection.execute("PRAGMA user_version = -7")
    connection.execute("PRAGMA application_id = -1234567890")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
