# The notebook's table is the one that `gridlake compare` gives of the same lake (GRIDLAKE_COMPARED, Parquet).
from polars.testing import assert_frame_equal

compared = pl.read_parquet(os.environ["GRIDLAKE_COMPARED"])
assert compared.height >= 4, "two runs in two boxes"
assert_frame_equal(comparison, compared, check_dtypes=False, check_exact=False, rel_tol=1e-12)
