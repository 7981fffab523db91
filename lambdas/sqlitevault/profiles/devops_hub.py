"""The application profile of DevOps Hub."""

from sqlitevault.ground.profile import EventTable, KeyTable, Profile

PROFILE = Profile(
    name="devops_hub",
    after_restore="look at /health and /agents",
    configuration=(
        "docker-compose*.yml",
        "docker-compose*.yaml",
        "k8s/**/*.yaml",
        "k8s/**/*.yml",
        "frontend/nginx.conf",
        "alembic.ini",
        ".env.example",
    ),
    moved={"nginx.conf": "frontend/nginx.conf"},  # the original shell script flattened it
    keys=KeyTable(
        table="api_keys",
        columns=("id", "name", "scopes", "is_active", "created_at", "expires_at"),
        label="name",
        active="is_active",
        member="api_keys_metadata.csv",
    ),
    events=EventTable(table="events", time="timestamp", kind="type", source="source", data="data"),
)
