"""The verbs: what sqlitevault does for its users. They return reports; they know neither AWS nor metrics."""
