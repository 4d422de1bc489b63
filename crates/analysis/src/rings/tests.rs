use super::*;
use crate::ideal;
use gridlake_space::seed::Seed;
use proptest::prelude::*;

#[test]
fn an_ideal_module_makes_three_rings_and_shuffled_phases_none() {
    for (square, waves) in [(false, 3), (true, 2)] {
        let module = ideal::module(64, 3000, 0.0, square, 5);
        let found = rings(module.activity.view(), &module.phases_rad).expect("good input");
        assert_eq!(found.units[..waves], [64; 3][..waves]);
        for ring in &found.rings[..waves] {
            assert!(ring.hole > 0.7 && ring.variation < 0.2 && ring.coverage == 1.0 && ring.resultant < 0.2, "{ring:?}");
        }
        let mut stream = Seed(6).stream("shuffle", 0);
        let mut shuffled = module.phases_rad.clone();
        stream.shuffle(&mut shuffled);
        let found = rings(module.activity.view(), &shuffled).expect("good input");
        for ring in &found.rings[..waves] {
            assert!(ring.hole < 0.5 && ring.variation > 0.3, "{ring:?}");
        }
    }
}

#[test]
fn z_is_the_sum_of_its_definition_in_either_precision() {
    let mut stream = Seed(1).stream("rings", 0);
    let activity = Array2::from_shape_fn((20, 7), |_| stream.uniform() as f32);
    let phases: Vec<[f64; 3]> = (0..7).map(|_| std::array::from_fn(|_| stream.uniform_in(-9.0, 9.0))).collect();
    let found = rings(activity.view(), &phases).expect("good input");
    assert_eq!(found, rings(activity.mapv(f64::from).view(), &phases).expect("good input"));
    for ((t, a), z) in found.z.indexed_iter() {
        let sum = |f: fn(f64) -> f64| (0..7).map(|i| f64::from(activity[(t, i)]) * f(phases[i][a])).sum::<f64>();
        assert!((z.re - sum(f64::cos)).abs() < 1e-12 && (z.im - sum(f64::sin)).abs() < 1e-12);
    }
}

#[test]
fn known_shapes_have_known_statistics() {
    let circle: Vec<Complex64> = (0..3600).map(|i| Complex64::from_polar(2.5, TAU * (f64::from(i) + 0.5) / 3600.0)).collect();
    let found = ring(&circle);
    assert!(
        (found.mean_magnitude - 2.5).abs() < 1e-12
            && found.variation < 1e-12
            && (found.hole - 1.0).abs() < 1e-12
            && found.resultant < 1e-12
    );
    assert_eq!(found.coverage, 1.0);
    let half = ring(&circle[..1800]);
    assert_eq!(half.coverage, 0.5);
    assert!((half.resultant - 2.0 / std::f64::consts::PI).abs() < 1e-5);
    // |z| of circular Gaussian noise is Rayleigh's: sd/mean = √(4/π - 1), quantiles √(-2 ln(1 - p)).
    let mut stream = Seed(2).stream("noise", 0);
    let noise: Vec<Complex64> = (0..100_000).map(|_| Complex64::new(stream.normal(), stream.normal())).collect();
    let found = ring(&noise);
    assert!(
        (found.variation - (4.0 / std::f64::consts::PI - 1.0).sqrt()).abs() < 0.01
            && (found.hole - (-4.0 / std::f64::consts::PI * 0.95_f64.ln()).sqrt()).abs() < 0.01
    );
}

#[test]
fn what_has_no_ring_says_why() {
    let activity = Array2::<f64>::ones((4, 2));
    let band = rings(activity.view(), &[[0.1, f64::NAN, f64::NAN], [0.5, f64::NAN, f64::NAN]]).expect("good input");
    assert_eq!((band.units, band.rings[1].reason, band.rings[0].reason), ([2, 0, 0], Some("no unit has this phase"), None));
    assert_eq!(
        rings(Array2::<f64>::zeros((0, 2)).view(), &[[0.0; 3]; 2]).expect("good input").rings[0].reason,
        Some("there are no samples")
    );
    assert_eq!(
        rings(Array2::<f64>::zeros((5, 2)).view(), &[[0.0; 3]; 2]).expect("good input").rings[0].reason,
        Some("z is 0 in all samples")
    );
    assert_eq!(rings(activity.view(), &[[0.0; 3]]), Err(RingsError::Units { units: 2, phases: 1 }));
    let bad = ndarray::array![[1.0, 2.0], [3.0, f64::INFINITY]];
    assert_eq!(rings(bad.view(), &[[0.0; 3]; 2]), Err(RingsError::Activity { sample: 1, unit: 1, value: f64::INFINITY }));
}

proptest! {
    #[test]
    fn turning_all_phases_turns_the_ring_and_scaling_scales_it(turn in -4.0_f64..4.0, scale in 0.01_f64..100.0, seed in 0_u64..100) {
        let module = ideal::module(20, 200, 0.1, false, seed);
        let base = rings(module.activity.view(), &module.phases_rad).expect("good input");
        let turned: Vec<[f64; 3]> = module.phases_rad.iter().map(|phases| phases.map(|phase| phase + turn)).collect();
        let other = rings(module.activity.mapv(|g| g * scale).view(), &turned).expect("good input");
        for (a, b) in base.rings.iter().zip(&other.rings) {
            prop_assert!((b.mean_magnitude / a.mean_magnitude / scale - 1.0).abs() < 1e-9);
            prop_assert!((a.hole - b.hole).abs() < 1e-9 && (a.variation - b.variation).abs() < 1e-9 && (a.resultant - b.resultant).abs() < 1e-9);
        }
    }
}
