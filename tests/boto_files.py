"""A cache of boto3's own data files: every session reads them again, which takes longer than most requests here."""

from collections import defaultdict
from typing import Any

import botocore.session
from botocore.loaders import Loader, create_loader

_read: defaultdict[str | None, dict[Any, Any]] = defaultdict(dict)


def read_once() -> None:
    """Make all sessions of this process share one cache of boto3's data files."""

    def sharing(search_path_string: str | None = None) -> Loader:
        loader = create_loader(search_path_string)
        vars(loader)["_cache"] = _read[search_path_string]
        return loader

    botocore.session.create_loader = sharing
