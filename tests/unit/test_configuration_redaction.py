"""Tests of redaction: no secret gets into a backup, and all other text stays unchanged."""

import base64
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sqlitevault.configuration.secrets import REDACTED, holds_key_material, is_literal, leaks, looks_secret
from sqlitevault.configuration.text_redaction import Unusable, redact_text
from sqlitevault.configuration.yaml_redaction import redact_yaml

SECRET = "hunter2-Zq9"  # noqa: S105 - made up


@pytest.mark.parametrize(
    "name",
    [
        *("PASSWORD", "DB_PASSWORD", "dbPassword", "postgres_passwd", "MYSQL_PWD", "REDIS_PASS", "secret"),
        *("SECRET_KEY", "clientSecret", "JWT_SECRET", "API_KEY", "apikey", "X-Api-Key", "API_TOKEN"),
        *("accessToken", "AWS_SECRET_ACCESS_KEY", "credentials", "SENTRY_DSN", "PRIVATE_KEY"),
        *("ENCRYPTION_KEY", "basic_auth", "PASSWORD_SALT", "pass", "requirepass", "secret-key"),
        *("GITHUB_TOKEN",),
    ],
)
def test_names_of_secrets_are_recognised(name: str) -> None:
    """The usual names of secrets are recognised in the usual spellings."""
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *("PORT", "LOG_LEVEL", "DATABASE_URL", "HOST", "USERNAME", "key", "topologyKey", "SECRET_NAME"),
        *("secretName", "TOKEN_FILE", "DB_PASSWORD_FILE", "ACCESS_TOKEN_EXPIRE_MINUTES", "TOKEN_URL"),
        *("PUBLIC_KEY", "JWT_ALGORITHM", "AWS_ACCESS_KEY_ID", "KEYBOARD", "monkey", "author"),
        *("PASSWORD_MIN_LENGTH", "compass", "123", "_"),
    ],
)
def test_names_of_settings_are_not_secrets(name: str) -> None:
    """Names of ordinary settings are not taken as secrets."""
    assert not looks_secret(name)


@pytest.mark.parametrize("value", ["hunter2", "${A:-hunter2}", "x${A}", "0", "123456", '"quoted"', "<a>b</a>"])
def test_literals_are_recognised(value: str) -> None:
    """A value that could be the secret itself is recognised, and so is a default in a reference."""
    assert is_literal(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "  ",
        "${A}",
        "$A",
        "${A:-}",
        "${A:?must be set}",
        "$(A)",
        "{{ .Values.a }}",
        "<your key>",
        "true",
        "null",
        "***",
        *("%(A)s", "${USER}:${PASS}", REDACTED, '""', "$$A"),
    ],
)
def test_references_are_not_secrets(value: str) -> None:
    """A reference to a secret is not a secret."""
    assert not is_literal(value)


TEXTS = {
    "assignment": f"DB_PASSWORD={SECRET}",
    "spaces": f"  db_password = {SECRET}",
    "export": f"export DB_PASSWORD={SECRET}",
    "double quotes": f'DB_PASSWORD="{SECRET} and more"',
    "single quotes": f"DB_PASSWORD='{SECRET}'",
    "over lines": f'DB_PASSWORD="first\n{SECRET}\n"',
    "trailing comment": f"DB_PASSWORD={SECRET} # note",
    "commented out": f"# DB_PASSWORD={SECRET}",
    "commented out in ini": f";DB_PASSWORD={SECRET}",
    "within a comment": f"# before it was DB_PASSWORD: {SECRET} or so",
    "mentioned in a comment": f"DB_PASSWORD={SECRET}\n# {SECRET} is for tests",
    "ini url": f"sqlalchemy.url = postgresql+psycopg://app:{SECRET}@db:5432/hub?sslmode=require",
    "url with at sign": f"URL=postgresql://app:p@{SECRET}@db/hub",
    "url without user": f"REDIS_URL=redis://:{SECRET}@cache:6379/0",
    "url token": f"PIP_INDEX=https://{SECRET}{SECRET}@packages.example.com/index",
    "dsn": f"SENTRY_DSN=https://{SECRET}@sentry.example.com/7",
    "default of a reference": f"DB_PASSWORD=${{DB_PASSWORD:-{SECRET}}}",
    "nginx basic": f'proxy_set_header Authorization "Basic {SECRET}";',
    "nginx bearer": f"proxy_set_header Authorization 'Bearer {SECRET}';",
    "nginx header": f"proxy_set_header X-Api-Key {SECRET};",
    "nginx variable": f'set $upstream_token "{SECRET}";',
    "nginx comparison": f'if ($http_x_token != "{SECRET}") {{ return 403; }}',
    "option": f"args = --db-password={SECRET} --verbose",
    "json": json.dumps({"port": 1, "password": SECRET}),
    "webhook": f"URL=https://hooks.slack.com/services/T00/{SECRET.replace('-', '')}",
}


@pytest.mark.parametrize("what", TEXTS)
def test_no_secret_stays_in_a_text(what: str) -> None:
    """A secret in any notation is replaced, and the rest stays unchanged."""
    found = redact_text(TEXTS[what])
    assert SECRET not in found.text
    assert SECRET.replace("-", "") not in found.text
    assert REDACTED in found.text
    assert found.taken


HARMLESS = """# The key is kept in the vault; token: see there
[alembic]
script_location = migrations
sqlalchemy.url = sqlite:///./data/devops_hub.db
PORT=8100
SECRET_KEY=${SECRET_KEY}
API_KEY=<your key>
TOKEN=
ACCESS_TOKEN_EXPIRE_MINUTES=30
DEBUG_TOKENS=true
HOMEPAGE=https://example.com:8443/a@b
server { listen 443 ssl; ssl_certificate_key /etc/ssl/key.pem; auth_basic "Restricted"; }
proxy_set_header X-Api-Key $http_x_api_key;
"""


def test_other_text_stays() -> None:
    """References, paths, times and plain URLs are kept, because a restore needs them."""
    assert redact_text(HARMLESS.split("\n", 1)[1]).text == HARMLESS.split("\n", 1)[1]


def test_redacting_twice_changes_nothing() -> None:
    """A redacted file that is backed up again stays unchanged."""
    once = redact_text("\n".join(TEXTS.values())).text
    assert redact_text(once).text == once


def test_only_the_password_of_a_url_is_removed() -> None:
    """Host, user and database stay, because they show what the application connects to."""
    found = redact_text(TEXTS["ini url"]).text
    assert found == f"sqlalchemy.url = postgresql+psycopg://app:{REDACTED}@db:5432/hub?sslmode=require"


SECRET_MANIFEST = f"""\
# The app's secrets. {SECRET} is the old one.
apiVersion: v1
kind: Secret
metadata:
  name: hub   # its name
  labels: {{app: hub}}
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {{"stringData":{{"key":"{SECRET}"}}}}
    note: {SECRET}
type: Opaque
data:
  key: {base64.b64encode(SECRET.encode()).decode()}   # base64
  "quoted": "{base64.b64encode(SECRET.encode()).decode()}"
stringData:
  anchored: &a {SECRET}
  alias: *a
  tagged: !!str {SECRET}
  folded: >-
    one
    {SECRET}

  plain over lines: one
    {SECRET}
  nested: {{deep: [{SECRET}, '{SECRET}']}}
  reference: ${{KEY}}
"""


def test_every_value_of_a_secret_is_removed() -> None:
    """Names, comments, anchors and the order are kept; no value is."""
    text = redact_yaml(SECRET_MANIFEST).text
    assert SECRET not in text
    assert base64.b64encode(SECRET.encode()).decode() not in text
    document = yaml.safe_load(text)
    assert document["metadata"]["name"] == "hub"
    assert document["metadata"]["labels"] == {"app": "hub"}
    assert set(document["stringData"]) == {
        "anchored",
        "alias",
        "tagged",
        "folded",
        "plain over lines",
        "nested",
        "reference",
    }
    values = [
        *document["data"].values(),
        *document["metadata"]["annotations"].values(),
        document["stringData"]["alias"],
    ]
    assert set(values) == {REDACTED}
    assert document["stringData"]["reference"] == REDACTED
    assert "# its name" in text
    assert "   # base64" in text
    assert "&a" in text


def test_the_marker_is_not_base64() -> None:
    """Applying a redacted Secret fails instead of replacing a secret with the marker."""
    with pytest.raises(ValueError, match=r"base64|padding|alphabet"):
        base64.b64decode(REDACTED, validate=True)


YAMLS = {
    "list of secrets": f"kind: List\nitems:\n- kind: Secret\n  data: {{a: {SECRET}}}\n",
    "secret list": f"kind: SecretList\nitems:\n- data: {{a: {SECRET}}}\n",
    "second document": f"kind: Pod\n---\nkind: Secret\nstringData: {{a: {SECRET}}}\n",
    "kind last": f"data: {{a: {SECRET}}}\nkind: Secret\n",
    "kind quoted": f"'kind': \"Secret\"\ndata: {{a: {SECRET}}}\n",
    "kind in lower case": f"kind: secret\ndata: {{a: {SECRET}}}\n",
    "kind twice": f"kind: Secret\nkind: ConfigMap\ndata: {{a: {SECRET}}}\n",
    "kind merged": f"base: &b {{kind: Secret}}\nthing:\n  <<: *b\n  data: {{a: {SECRET}}}\n",
    "json": json.dumps({"kind": "Secret", "data": {"a": SECRET}}),
    "misplaced": f"kind: Secret\nmetadata: {{name: a, data: {{a: {SECRET}}}}}\n",
    "windows lines": f"kind: Secret\r\nstringData:\r\n  a: |\r\n    {SECRET}\r\n  b: x\r\n",
    "not ASCII": f"kind: Secret # ä漢😀\nstringData: {{ä: {SECRET}, '😀': \"{SECRET}\"}}\n",
    "last applied elsewhere": "kind: Pod\nmetadata:\n  annotations:\n"
    "    kubectl.kubernetes.io/last-applied-configuration:"
    f' \'{{"x":"{SECRET}"}}\'\n',
    "compose map": f"services:\n  a:\n    environment:\n      DB_PASSWORD: {SECRET}\n",
    "compose list": f"services:\n  a:\n    environment:\n      - DB_PASSWORD={SECRET}\n      - 'B_TOKEN={SECRET}'\n",
    "compose number": "services: {a: {environment: {DB_PASSWORD: 4711471147}}}\n",
    "compose url": f"services: {{a: {{environment: ['DATABASE_URL=postgres://u:{SECRET}@db/x']}}}}\n",
    "compose default": f"services:\n  a:\n    environment:\n      DB_PASSWORD: ${{DB_PASSWORD:-{SECRET}}}\n",
    "compose build args": f"services: {{a: {{build: {{args: {{NPM_TOKEN: {SECRET}}}}}}}}}\n",
    "command": f"services: {{a: {{command: [run, --api-token, {SECRET}]}}}}\n",
    "command in one": f"services: {{a: {{command: run --api-token {SECRET} --x}}}}\n",
    "label": f"services: {{a: {{labels: ['traefik.auth.secret={SECRET}']}}}}\n",
    "env": f"env:\n- name: DB_PASSWORD\n  value: {SECRET}\n",
    "env the other way round": f"env:\n- value: {SECRET}\n  name: DB_PASSWORD\n",
    "env dsn": f"env:\n- name: SENTRY_DSN\n  value: https://{SECRET}@sentry.example.com/7\n",
    "config map": f"kind: ConfigMap\ndata:\n  db-password: {SECRET}\n",
    "embedded file": f"kind: ConfigMap\ndata:\n  app.env: |\n    PORT=1\n    DB_PASSWORD={SECRET}\n",
    "embedded yaml": f"kind: ConfigMap\ndata:\n  app.yaml: |\n    db:\n      password: {SECRET}\n      host: db\n",
    "kustomize": f"secretGenerator:\n- name: x\n  literals: [password={SECRET}]\n",
    "comment": f"a: 1 # DB_PASSWORD={SECRET}\n",
    "comment line": f"# password: {SECRET}\na: 1\n",
    "comment only": f"# password: {SECRET}\n",
    "aliased": f"x: &s {SECRET}\nservices: {{a: {{environment: {{DB_PASSWORD: *s}}}}}}\n",
}


@pytest.mark.parametrize("what", YAMLS)
def test_no_secret_stays_in_yaml(what: str) -> None:
    """A secret in any notation is replaced, and the result is YAML of the same structure."""
    found = redact_yaml(YAMLS[what])
    assert SECRET not in found.text
    assert "4711471147" not in found.text
    assert REDACTED in found.text
    list(yaml.safe_load_all(found.text))
    assert not leaks(found.text, found.taken)


OPEN = """\
# Compose file of the hub
services:
  backend:
    image: registry.example.com:5000/hub@sha256:abcdef   # pinned
    command: ["uvicorn", "app:app", "--port", "8100"]
    environment:
      PORT: 8100
      DB_PASSWORD: ${DB_PASSWORD}
      DB_PASSWORD_FILE: /run/secrets/db
      ACCESS_TOKEN_EXPIRE_MINUTES: 30
      DATABASE_URL: sqlite:///./data/devops_hub.db
    secrets: [db_password]
secrets:
  db_password: {file: ./secrets/db.txt}
---
kind: Deployment
spec:
  automountServiceAccountToken: false
  imagePullSecrets: [{name: registry}]
  env:
    - name: SECRET_KEY
      valueFrom: {secretKeyRef: {name: hub-secrets, key: secret-key}}
  tolerations: [{key: node-role, operator: Exists}]
  affinity: {topologyKey: kubernetes.io/hostname}
  tls: [{secretName: hub-tls}]
"""


def test_yaml_without_secrets_is_unchanged() -> None:
    """References to secrets, and fields whose names contain such a word, stay unchanged."""
    assert redact_yaml(OPEN).text == OPEN


@pytest.mark.parametrize(
    "text",
    [
        "a: {{ .Values.x }}: b\n",
        "a: [",
        "{{- if .Values.x }}\na: 1\n{{- end }}\n",
        "just text",
        "\t- a",
        "a: *unknown\n",
        *("[" * 5000 + "]" * 5000, "a: " * 3 + "b", "a: \x00"),
    ],
)
def test_text_that_is_not_yaml_is_refused(text: str) -> None:
    """A template cannot be proven free of secrets, so it is left out; the message does not quote it."""
    with pytest.raises(Unusable) as caught:
        redact_yaml(text)
    assert "Values" not in str(caught.value)


def test_an_alias_bomb_is_harmless() -> None:
    """Each node is visited once, however many aliases lead to it."""
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    assert redact_yaml("\n".join(lines)).text == "\n".join(lines)


def test_a_leak_is_found_in_any_form() -> None:
    """A secret is found in plain text, in base64, decoded, or as one line of a longer one."""
    encoded = base64.b64encode(SECRET.encode()).decode()
    assert leaks(f"x {SECRET} y", {SECRET})
    assert leaks(f"x: {encoded}", {SECRET})
    assert leaks(f"x: {SECRET}", {encoded})
    assert leaks("x: second-line-long", {"first-line-long\nsecond-line-long\n"})
    assert not leaks("nothing here", {SECRET, "", "true", "ab"})
    assert not leaks("hunter2-Zq9x and devops-hub", {SECRET, "devops-h"})


@pytest.mark.parametrize(
    "text",
    ["-----BEGIN PRIVATE KEY-----", "-----BEGIN OPENSSH PRIVATE KEY-----", "ghp_" + "a1B2" * 9, "sk_live_" + "a1" * 12],
)
def test_key_material_is_recognised_by_its_form(text: str) -> None:
    """Keys and tokens are recognised anywhere in a text."""
    assert holds_key_material(f"x = {text}")


SCALARS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).map(
    lambda text: f"Zq9{text}Zq9"
)
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3))


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), TREES, min_size=1, max_size=4),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, '"', "'", "|", ">"]),
)
def test_no_value_of_any_secret_survives(data: dict[str, object], flow: bool | None, style: str | None) -> None:
    """For any Secret in any layout, no value is left and everything else is."""
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "n"}, "stringData": data, "type": "Opaque"}
    text = yaml.safe_dump(manifest, default_flow_style=flow, default_style=style, allow_unicode=True, sort_keys=False)
    found = redact_yaml(text)
    document = yaml.safe_load(found.text)
    assert {key: document[key] for key in ("apiVersion", "kind", "metadata", "type")} == {
        key: manifest[key] for key in ("apiVersion", "kind", "metadata", "type")
    }
    assert set(values(document["stringData"])) <= {REDACTED}
    assert len(list(values(document["stringData"]))) == len(list(values(data)))


def values(tree: object) -> list[object]:
    """Return every value of a tree, without keys."""
    if isinstance(tree, dict):
        return [value for inner in tree.values() for value in values(inner)]
    if isinstance(tree, list):
        return [value for inner in tree for value in values(inner)]
    return [tree]
