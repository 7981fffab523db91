"""All kinds of databases that tests/torture*.py make."""

from tests import torture, torture_schema, torture_virtual

KINDS: tuple[torture.Fill, ...] = (
    torture.values,
    torture.late_bad_text,
    torture.large_blobs,
    torture_schema.names,
    torture.empty_tables,
    torture.rowids_with_gaps,
    torture.all_rowid_names_taken,
    torture.integer_keys,
    torture.autoincrement,
    torture.without_rowid,
    torture_schema.generated,
    torture_schema.strict,
    torture_schema.constraints,
    torture_schema.altered,
    torture_schema.views_and_triggers,
    torture_schema.indexes,
    torture_schema.comments_at_the_end,
    torture_schema.foreign_keys,
    torture_schema.wide,
    torture_schema.many_tables,
    torture_schema.statistics,
    torture_schema.numbers_of_the_application,
    torture_virtual.fts5,
    torture_virtual.fts5_contentless,
    torture_virtual.fts5_external,
    torture_virtual.fts4,
    torture_virtual.rtree,
)
# Without autoincrement(), because it would own the table of counters that counters_left_over() leaves without an owner.
ALONE = (*KINDS, torture.counters_left_over)
_LARGE = (torture.large_blobs, torture_schema.wide, torture_schema.many_tables)
QUICK = tuple(kind for kind in KINDS if kind not in _LARGE)
