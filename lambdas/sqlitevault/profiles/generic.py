"""Any application of which nothing is known."""

from sqlitevault.ground.profile import Profile

PROFILE = Profile(name="generic")
