"""The application profile for any other application: compose files, `.env`, and no tables of its own."""

from sqlitevault.ground.profile import Profile

PROFILE = Profile(
    name="generic",
    after_restore="check that it works",
    configuration=("docker-compose*.yml", "docker-compose*.yaml", "compose*.yml", "compose*.yaml"),
)
