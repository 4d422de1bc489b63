//! The Parquet data lake: layout, schemas, atomic files, manifests and queries.
