"""`sqlitevault report`: an HTML page in one file."""

import json
import shutil
import stat
import subprocess
import zlib
from datetime import timedelta
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.cli.home import Home, tree
from tests.cli.test_verify_verb import damage
from tests.databases import execute

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PHONE = 390
_HEADINGS = (
    "Readiness",
    "Age of the newest proven backup",
    "Recovery time in drills",
    "Sizes",
    "Rows in all tables",
    "Longest wait of writers",
    "Replica lag",
    "Last backups and their drills",
)
_LIGHT, _DARK = (255, 255, 255), (18, 22, 29)


class Seen(HTMLParser):
    """A parser that keeps the tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        """Parse the whole page."""
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.text.append(data.strip())

    @property
    def words(self) -> str:
        """All text of the page."""
        return " ".join(self.text)


@pytest.fixture
def lively(home: Home) -> Home:
    """A home with four backups: a good old one, one that does not restore, an undrilled one, and a new one."""
    home.run("drill", home.ids[0]).require(0)
    damage(home.archive(home.ids[1]))
    home.run("drill", home.ids[1]).require(14)
    execute(home.database, "DELETE FROM ledger WHERE id > 200")
    home.back_up(timedelta(minutes=20))
    home.run("backup").require(0)
    return home


def _page(home: Home, *arguments: str) -> str:
    home.run("report", "--output", "report.html", *arguments).require(0)
    return (home.root / "report.html").read_text()


def test_the_page_shows_what_happened(lively: Home) -> None:
    """The page shows readiness, six charts and the last backups with their drills; nothing else is written."""
    before = tree(lively.root)
    seen = Seen(_page(lively))
    assert tree(lively.root).items() - before.items() == {("report.html", tree(lively.root)["report.html"])}
    assert set(_HEADINGS) <= set(seen.text)
    assert all(identifier in seen.text for identifier in lively.ids)
    assert seen.text.count("passed") == 2
    assert "not drilled yet" in seen.text
    assert "has SHA-256" in seen.words
    assert seen.tags.count("svg") == 5
    assert "no data yet" in seen.text  # the replica's lag
    labels = [value or "" for name, value in seen.attributes if name == "aria-label"]
    assert any(label.startswith("Rows in all tables: rows 251") for label in labels), labels


def test_the_page_needs_no_network(lively: Home) -> None:
    """The page contains no URL, loads nothing and runs no script; everyone may read the file."""
    page = _page(lively)
    seen = Seen(page)
    assert "://" not in page
    assert "@import" not in page
    assert "url(" not in page
    assert not {"script", "link", "img", "iframe", "object", "embed", "image", "use"} & set(seen.tags)
    assert not {"src", "href", "xlink:href"} & {name for name, _ in seen.attributes}
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert stat.S_IMODE((lively.root / "report.html").stat().st_mode) == 0o644


def test_an_empty_vault_has_a_page_too(new_home: Home) -> None:
    """An empty vault gives a page without data that says "not ready"."""
    seen = Seen(_page(new_home))
    assert "NOT READY" in seen.words
    assert seen.text.count("no data yet") == 6
    assert not new_home.backups.exists()


def test_one_backup_has_a_page(new_home: Home) -> None:
    """One backup gives charts with a single point."""
    new_home.run("backup").require(0)
    assert Seen(_page(new_home)).tags.count("svg") == 5


def test_names_are_text(home: Home) -> None:
    """A vault name that contains markup is shown as text."""
    odd = home.root / "<img src=x>"
    shutil.move(home.backups, odd)
    seen = Seen(_page(home, "--from", str(odd)))
    assert "img" not in seen.tags
    assert "<img src=x>" in seen.words


def test_older_backups_are_omitted_on_request(home: Home) -> None:
    """`--days` limits the charts; the age of the newest backup is always shown."""
    old = home.back_up(timedelta(days=3))
    home.run("drill", old).require(0)
    past = home.run("report", "--days", "2", "--json").require(0).document
    assert old not in [point["backup_id"] for point in past["backups"]]
    assert len(past["backups"]) == 2
    (gap,) = past["gaps"]
    assert gap["seconds"] == pytest.approx(3 * 86400, abs=60)
    assert not (home.root / "report.html").exists()


def test_as_json(lively: Home) -> None:
    """`--json` gives the charts' figures, oldest first, and the checklist."""
    past = lively.run("report", "--json").require(0).document
    assert [point["backup_id"] for point in past["backups"]] == list(lively.ids)
    assert [point["proven"] for point in past["backups"]] == [True, False, False, True]
    assert past["backups"][1]["failures"]
    assert [point["rows"] for point in past["backups"]] == [551, 451, 251, 251]
    assert past["readiness"]["ready"] is False


def test_a_failure_leaves_the_old_page(home: Home) -> None:
    """A missing folder is an error, and the old page stays."""
    home.run("report", "--output", "no/such/page.html").require(15, "TargetUnwritable: no/such/page.html")


def _browser() -> str:
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium is installed (Debian's package chromium)")
    return found


def _look(page: Path, width: int, *options: str, dark: bool = False) -> str:
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    command = [_browser(), "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", scheme]
    command += [f"--user-data-dir={page.parent / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND"]
    command += [f"--window-size={width},1200", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def _first_pixel(png: Path) -> tuple[int, ...]:
    """Return the colour at the top left: no PNG filter changes the first pixel of the first row."""
    content, pixels, position = png.read_bytes(), b"", 8
    while position < len(content):
        length = int.from_bytes(content[position : position + 4])
        if content[position + 4 : position + 8] == b"IDAT":
            pixels += content[position + 8 : position + 8 + length]
        position += length + 12
    return tuple(zlib.decompress(pixels)[1:4])


@pytest.mark.parametrize(("dark", "colour"), [(False, _LIGHT), (True, _DARK)], ids=["light", "dark"])
def test_the_page_follows_the_colour_scheme(lively: Home, tmp_path: Path, dark: bool, colour: tuple[int, ...]) -> None:
    """Chromium draws the page light or dark, as the reader's system is set, without a network."""
    _page(lively)
    shot = tmp_path / "shot.png"
    _look(lively.root / "report.html", 1200, f"--screenshot={shot}", dark=dark)
    assert _first_pixel(shot) == colour


def test_the_page_fits_a_phone(lively: Home, tmp_path: Path) -> None:
    """On a phone nothing is wider than the screen, and the charts' text keeps a readable size."""
    frame = tmp_path / "phone.html"
    measure = (
        "const seen = document.querySelector('iframe').contentDocument; document.title = JSON.stringify({"
        "page: seen.documentElement.scrollWidth, screen: seen.documentElement.clientWidth, letters: Math.min("
        "...[...seen.querySelectorAll('svg text')].map(text => text.getBoundingClientRect().height))})"
    )
    # A window of Chromium is at least 500 pixels wide; a frame can be as narrow as a phone.
    frame.write_text(
        f'<!doctype html><title></title><iframe width="{_PHONE}" height="800" style="border: 0" '
        f'srcdoc="{escape(_page(lively))}"></iframe><script>onload = () => {{ {measure} }}</script>'
    )
    dom = _look(frame, 800, "--virtual-time-budget=5000", "--dump-dom")
    measured = json.loads(dom.partition("<title>")[2].partition("</title>")[0])
    assert measured["screen"] == measured["page"] == _PHONE
    assert measured["letters"] >= 9
