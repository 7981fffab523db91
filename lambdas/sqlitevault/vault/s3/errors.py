"""From botocore's errors to ours, by class and code: each with what the operator can do about it.

Codes: Amazon S3 API Reference, "Error responses"; AWS KMS codes as S3 passes them on.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)
from botocore.exceptions import (
    ConnectionError as NoConnection,
)

from sqlitevault.ground.errors import BackupExists, BackupNotFound, ChecksumMismatch, SqliteVaultError, VaultUnavailable

_MISSING = {"NoSuchKey", "NoSuchVersion", "404", "NotFound"}
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_BAD_BYTES = {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"}
_HINTS = {
    "PreconditionFailed": "The object was replaced while it was read: run it again.",
    "NoSuchBucket": "Check the bucket's name and region; `cdk deploy` prints the vault's name.",
    "AccessDenied": "The credentials may not do this: compare the role's policy, the bucket's policy and the key's.",
    "403": "The credentials may not do this: compare the role's policy, the bucket's policy and the key's.",
    "AllAccessDisabled": "AWS has disabled access to this bucket: open a support case.",
    "InvalidAccessKeyId": "The access key does not exist: check AWS_PROFILE and AWS_ACCESS_KEY_ID.",
    "SignatureDoesNotMatch": "The secret key is wrong: check AWS_SECRET_ACCESS_KEY.",
    "ExpiredToken": "The session has expired: sign in again (aws sso login).",
    "TokenRefreshRequired": "The session has expired: sign in again (aws sso login).",
    "InvalidToken": "The session token is wrong: sign in again.",
    "RequestTimeTooSkewed": "This machine's clock is wrong by more than 15 minutes: set it (timedatectl, chrony).",
    "PermanentRedirect": "The bucket is in another region: set AWS_REGION to it.",
    "AuthorizationHeaderMalformed": "The bucket is in another region: set AWS_REGION to it.",
    "InvalidObjectState": "The object is archived (Glacier): restore it there first, or take another backup.",
    "KMS.DisabledException": "The vault's key is disabled: enable it in KMS.",
    "KMS.KMSInvalidStateException": "The vault's key is about to be deleted: cancel the deletion in KMS.",
    "KMS.NotFoundException": "The vault's key is gone: take the copy in the replica vault.",
    "SlowDown": "S3 is throttling: it passes; run it again.",
    "InternalError": "S3 had an error of its own: it passes; run it again.",
    "ServiceUnavailable": "S3 had an error of its own: it passes; run it again.",
}
_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, ProfileNotFound, TokenRetrievalError)


@contextmanager
def errors_named(location: str, name: str = "") -> Iterator[None]:
    """Turn botocore's errors in the body into ours; `name` is the object that it is about.

    Raises:
        BackupNotFound, BackupExists, ChecksumMismatch, VaultUnavailable: as S3's code says.
    """
    try:
        yield
    except ClientError as error:
        raise from_code(error, location, name) from error
    except FlexibleChecksumError as error:
        raise ChecksumMismatch(
            f"what arrived of {name} is not what {location} stored",
            hint="Run it again; if it stays, suspect the network.",
        ) from error
    except BotoCoreError as error:
        raise VaultUnavailable(f"{location} cannot be reached: {error}", hint=_connection_hint(error)) from error


def from_code(error: ClientError, location: str, name: str) -> SqliteVaultError:
    """Return our error for S3's answer."""
    code = code_of(error)
    if code in _MISSING:
        return BackupNotFound(
            f"there is no {name} in {location}", hint="`sqlitevault list --from URI` shows what is in a vault."
        )
    if code in _TAKEN and error.operation_name != "GetObject":
        return BackupExists(
            f"{name} already exists in {location}", hint="The backup was committed before; nothing to do."
        )
    if code in _BAD_BYTES:
        return ChecksumMismatch(
            f"S3 received other bytes of {name} than were sent",
            hint="Run it again; if it stays, suspect memory or network.",
        )
    hint = _HINTS.get(code, "Look the code up in the Amazon S3 API Reference, Error responses; nothing was changed.")
    return VaultUnavailable(f"{location} refused {error.operation_name} {name}: {code}".rstrip(), hint=hint)


def code_of(error: ClientError) -> str:
    """Return S3's error code; a HEAD request has only the HTTP status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _connection_hint(error: BotoCoreError) -> str:
    if isinstance(error, _NO_CREDENTIALS):
        return "There are no credentials: set AWS_PROFILE, or run where a role is attached."
    if isinstance(error, NoRegionError):
        return "There is no region: set AWS_REGION."
    if isinstance(error, NoConnection | HTTPClientError | IncompleteReadError):
        return "Check the network and AWS_ENDPOINT_URL; a function in a VPC needs a gateway endpoint for S3."
    return "Check AWS_PROFILE, AWS_REGION and AWS_ENDPOINT_URL."
