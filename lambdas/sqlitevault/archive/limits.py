"""Limits on archives: each is far above any real backup and far below what would do harm."""

MEBIBYTE = 1 << 20

# Bytes read or written at a time; a reader or writer holds a few of these in memory, whatever the archive's size.
CHUNK = MEBIBYTE // 4

# MANIFEST.json, checksums.sha256 and db_stats.txt are held in memory.
SMALL_MEMBER = 16 * MEBIBYTE

# Files and folders.
ENTRIES = 10_000

# A path within the archive, and one part of it (NAME_MAX of Linux file systems).
PATH_BYTES = 1024
NAME_BYTES = 255

# One extended tar header (pax records or a GNU long name) is held in memory.
EXTENDED_HEADER = 64 * 1024

# Zero bytes after the end of a tar: writers pad to a record of 10 KiB, some to larger ones.
PADDING = MEBIBYTE

# An archive of the original script records no sizes before its content, so its unpacked size is limited by its own
# size. Deflate reaches 1032:1 on zeros; databases and dumps stay below 100:1.
LEGACY_RATIO = 200
LEGACY_MANIFEST = 64 * 1024
LEGACY_ALWAYS_ALLOWED = 64 * MEBIBYTE
LEGACY_BYTES = 100 * 1024 * MEBIBYTE
