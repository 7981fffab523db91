"""A short run of tests/fuzz/archives.py: no damaged or hostile archive is unpacked, or writes outside its folder."""

from tests.fuzz.archives import run_batch


def test_every_bit_and_length_in_steps() -> None:
    """Bit flips and truncations, a sample of those of a long run."""
    for start in range(0, 12_000, 600):
        assert run_batch(start, 20, seed=1).failures == []


def test_attacks_at_random() -> None:
    """Mutations of tar, members, manifest and compressed bytes."""
    tally = run_batch(1_000_000, 700, seed=1)
    assert tally.failures == []
    assert len({kind for kind, _ in tally.outcomes}) == 14


def test_the_original_scripts_archives_too() -> None:
    """The same on archives whose content is not known in advance."""
    assert run_batch(0, 300, seed=1, legacy=True).failures == []
    assert run_batch(1_000_000, 400, seed=1, legacy=True).failures == []
