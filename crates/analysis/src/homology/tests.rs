//! Laws of bars and cocycles.

use super::reference::reference_persistence;
use super::*;
use ndarray::array;

#[test]
fn a_square_is_a_loop_from_its_side_to_its_diagonal() {
    let square = DistanceMatrix::euclidean(array![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]].view()).expect("finite");
    let found = reference_persistence(&square, &Options::default()).expect("in range");
    let side = Bar { birth: 0.0, death: 1.0 };
    assert_eq!(found.bars[0], [Bar { birth: 0.0, death: f64::INFINITY }, side, side, side]);
    assert_eq!(found.bars[1], [Bar { birth: 1.0, death: 2.0_f64.sqrt() }]);
    assert_eq!(found.bars[2], []);
    assert_eq!(found.cocycles.len(), 1);
    assert_eq!(found.cocycles[0].edges.iter().filter(|&&(_, _, c)| c == 1 || c == 46).count(), found.cocycles[0].edges.len());
}
