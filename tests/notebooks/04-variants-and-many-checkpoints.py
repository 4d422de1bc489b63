# The notebook's columns are those that `gridlake compare` gives of the same lake, beside settings and chances (GRIDLAKE_COMPARED, Parquet).
from polars.testing import assert_frame_equal

compared = pl.read_parquet(os.environ["GRIDLAKE_COMPARED"])
assert compared.height >= 4, "two runs in two boxes"
assert set(compared.columns) > {"train.loss.lambda_cap", "spatial_coherence_chance", "shuffled_error_m"}
assert_frame_equal(comparison, compared.select(comparison.columns), check_dtypes=False, check_exact=False, rel_tol=1e-12)
