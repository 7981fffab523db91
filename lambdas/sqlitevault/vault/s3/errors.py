"""Translation of botocore's errors to ours, by class and code, each with a hint.

Codes: Amazon S3 API Reference, "Error responses"; AWS KMS codes as S3 passes them on.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as aws

from sqlitevault.ground.errors import ChecksumMismatch, SqliteVaultError, VaultUnavailable
from sqlitevault.vault.objects import already_exists, not_found

_MISSING = {"NoSuchKey", "NoSuchVersion", "404", "NotFound"}
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_BAD_BYTES = {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"}
_HINTS = {
    "PreconditionFailed": "The object was replaced while it was read: run it again.",
    "NoSuchBucket": "Check the bucket's name and region; `cdk deploy` prints the vault's name.",
    "AccessDenied": "The credentials do not allow this: check the policies of the role, the bucket and the key.",
    "403": "The credentials do not allow this: check the policies of the role, the bucket and the key.",
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
    "KMS.NotFoundException": "The vault's key does not exist any more: restore from the replica.",
    "SlowDown": "S3 is throttling requests for a while: run it again.",
    "InternalError": "S3 had an internal error: run it again.",
    "ServiceUnavailable": "S3 had an internal error: run it again.",
}
_NO_CREDENTIALS = (aws.NoCredentialsError, aws.PartialCredentialsError, aws.ProfileNotFound, aws.TokenRetrievalError)


@contextmanager
def errors_named(location: str, name: str = "") -> Iterator[None]:
    """Turn botocore's errors in the body into ours; `name` is the object in question.

    Raises:
        BackupNotFound, BackupExists, ChecksumMismatch, VaultUnavailable: by S3's error code.
    """
    try:
        yield
    except aws.ClientError as error:
        raise from_code(error, location, name) from error
    except aws.FlexibleChecksumError as error:
        raise ChecksumMismatch(
            f"{name} was damaged on its way from {location}", hint="Run it again; if it recurs, suspect the network."
        ) from error
    except aws.BotoCoreError as error:
        raise VaultUnavailable(f"{location} cannot be reached: {error}", hint=_connection_hint(error)) from error


def from_code(error: aws.ClientError, location: str, name: str) -> SqliteVaultError:
    """Return our error for an error response."""
    code = code_of(error)
    if code in _MISSING:
        return not_found(name, location)
    if code in _TAKEN and error.operation_name != "GetObject":
        return already_exists(name, location)
    if code in _BAD_BYTES:
        return ChecksumMismatch(
            f"{name} was damaged on its way to S3", hint="Run it again; if it recurs, suspect memory or network."
        )
    hint = _HINTS.get(code, "Look up the code in the Amazon S3 API Reference, Error responses; nothing was changed.")
    return VaultUnavailable(f"{location} refused {error.operation_name} {name}: {code}".rstrip(), hint=hint)


def code_of(error: aws.ClientError) -> str:
    """Return S3's error code; for a HEAD request that is the HTTP status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _connection_hint(error: aws.BotoCoreError) -> str:
    if isinstance(error, _NO_CREDENTIALS):
        return "There are no credentials: set AWS_PROFILE, or run where a role is attached."
    if isinstance(error, aws.NoRegionError):
        return "There is no region: set AWS_REGION."
    if isinstance(error, aws.ConnectionError | aws.HTTPClientError | aws.IncompleteReadError):
        return "Check the network and AWS_ENDPOINT_URL; a function in a VPC needs a gateway endpoint for S3."
    return "Check AWS_PROFILE, AWS_REGION and AWS_ENDPOINT_URL."
