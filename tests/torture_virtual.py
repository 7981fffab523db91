"""Virtual tables of every kind, and queries that must give the same rows after a dump is loaded."""

import sqlite3

from tests.torture import Fill


def fts5(connection: sqlite3.Connection) -> None:
    """Full text with prefix indexes and options, a name that needs quoting, changed after it was filled."""
    connection.execute("CREATE VIRTUAL TABLE found USING fts5(a, b UNINDEXED, prefix='2 3', tokenize='porter ascii')")
    connection.execute("INSERT INTO found VALUES ('hello world', 'one'), ('running runs', 'two'), ('foo', 'three')")
    connection.execute("DELETE FROM found WHERE a = 'foo'")
    connection.execute('CREATE VIRTUAL TABLE "found ""it"" " USING fts5(x)')
    connection.execute("INSERT INTO \"found \"\"it\"\" \" VALUES ('needle'), ('a' || char(0) || 'b')")
    connection.execute("CREATE VIRTUAL TABLE found_words USING fts5vocab('found', 'row')")
    connection.execute("CREATE TABLE found_not_a_shadow (x)")
    connection.execute("INSERT INTO found_not_a_shadow VALUES ('of nobody')")


def fts5_contentless(connection: sqlite3.Connection) -> None:
    """Full text that stores only the index."""
    connection.execute("CREATE VIRTUAL TABLE unkept USING fts5(a, content='')")
    connection.execute("INSERT INTO unkept(rowid, a) VALUES (7, 'contentless text'), (70, 'more text')")


def fts5_external(connection: sqlite3.Connection) -> None:
    """Full text over another table, by implicit rowids with gaps, kept up to date by triggers."""
    connection.execute("CREATE TABLE articles (body TEXT)")
    connection.execute(
        "CREATE VIRTUAL TABLE articles_index USING fts5(body, content='articles', content_rowid='rowid')"
    )
    connection.execute(
        "CREATE TRIGGER articles_added AFTER INSERT ON articles BEGIN "
        "INSERT INTO articles_index(rowid, body) VALUES (new.rowid, new.body); END"
    )
    connection.execute("INSERT INTO articles(rowid, body) VALUES (10, 'first article'), (1000, 'second article')")


def fts4(connection: sqlite3.Connection) -> None:
    """The older full text modules."""
    connection.execute("CREATE VIRTUAL TABLE older USING fts4(subject, body, order=desc, notindexed=subject)")
    connection.execute("INSERT INTO older VALUES ('s', 'lorem ipsum'), ('t', 'dolor')")
    connection.execute("CREATE VIRTUAL TABLE oldest USING fts3(body)")
    connection.execute("INSERT INTO oldest VALUES ('lorem')")


def rtree(connection: sqlite3.Connection) -> None:
    """Boxes, of floats with more columns and of integers."""
    connection.execute("CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1, y0, y1, +label TEXT)")
    rows = ((n, n, n + 1, -n, n, f"box {n}") for n in range(200))
    connection.executemany("INSERT INTO boxes VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.execute("CREATE VIRTUAL TABLE cells USING rtree_i32(id, x0, x1)")
    connection.execute("INSERT INTO cells VALUES (1, -5, 5)")


QUESTIONS: dict[Fill, tuple[str, ...]] = {
    fts5: (
        "SELECT rowid, a, b FROM found WHERE found MATCH 'run' ORDER BY rank",
        "SELECT rowid FROM found WHERE a MATCH 'he*'",
        'SELECT rowid FROM "found ""it"" " WHERE x MATCH \'needle\'',
        "SELECT term, doc, cnt FROM found_words",
        "INSERT INTO found(a) VALUES ('zebra') RETURNING 1",
        "SELECT rowid FROM found WHERE a MATCH 'zebra'",
    ),
    fts5_contentless: (
        "SELECT rowid FROM unkept WHERE unkept MATCH 'text' ORDER BY rowid",
        "INSERT INTO unkept(rowid, a) VALUES (8, 'text') RETURNING 1",
        "SELECT count(*) FROM unkept('text')",
    ),
    fts5_external: (
        "SELECT rowid, body FROM articles_index WHERE articles_index MATCH 'article' ORDER BY rowid",
        "INSERT INTO articles(body) VALUES ('third article') RETURNING rowid",
        "SELECT rowid, body FROM articles_index WHERE articles_index MATCH 'third'",
    ),
    fts4: (
        "SELECT docid, subject FROM older WHERE older MATCH 'body:ipsum'",
        "SELECT docid FROM oldest WHERE oldest MATCH 'lorem'",
        "SELECT count(*) FROM older",
    ),
    rtree: (
        "SELECT id, label FROM boxes WHERE x0 > 10 AND x1 < 20 AND y1 > 5 ORDER BY id",
        "SELECT id FROM cells WHERE x0 < 0",
        "INSERT INTO boxes VALUES (900, 0, 1, 0, 1, 'new') RETURNING id",
        "SELECT count(*) FROM boxes WHERE x1 <= 1",
    ),
}
