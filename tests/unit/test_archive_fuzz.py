"""A short run of tests/fuzz/archives.py: no damaged or hostile archive is unpacked or writes outside its folder."""

from tests.fuzz.archives import run_batch


def test_bit_flips_and_truncations() -> None:
    """A sample of the bit flips and truncations of a long run breaks none of the claims."""
    for start in range(0, 12_000, 600):
        assert run_batch(start, 20, seed=1).failures == []


def test_random_attacks() -> None:
    """Random mutations of tar, members, manifest and compressed bytes break none of the claims."""
    tally = run_batch(1_000_000, 700, seed=1)
    assert tally.failures == []
    assert len({kind for kind, _ in tally.outcomes}) == 14


def test_archives_of_the_original_script() -> None:
    """The claims also hold for archives whose content is not known in advance."""
    assert run_batch(0, 300, seed=1, legacy=True).failures == []
    assert run_batch(1_000_000, 400, seed=1, legacy=True).failures == []
