"""Makes two_cells.h5ad, the cells of the hex dump in man/cells.5:  python make_two_cells.py   (anndata)

Cell AAAC-1 has 5 counts of ACTB and 12 of MT-CO1, cell CCTG-1 has 3 of GATA4; the totals are over more genes than these three.
"""

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

anndata.AnnData(
    X=sp.csr_matrix(np.array([[5, 0, 12], [0, 3, 0]], np.float32)),
    obs=pd.DataFrame({"n_counts": np.array([4000, 2500], np.float32)}, index=["AAAC-1", "CCTG-1"]),
    var=pd.DataFrame(index=["ENSG00000075624", "ENSG00000136574", "ENSG00000198804"]),
).write_h5ad("two_cells.h5ad")
