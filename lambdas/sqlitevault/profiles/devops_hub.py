"""DevOps Hub."""

from sqlitevault.ground.profile import Profile

PROFILE = Profile(name="devops_hub")
