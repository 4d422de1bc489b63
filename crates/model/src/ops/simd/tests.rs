//! All instruction sets give the same bits, and `exp` is accurate.
#![expect(unsafe_code, reason = "implements and calls the unsafe kernel interface under test")]

use super::*;

struct Everything {
    a: [f32; LANES],
    b: [f32; LANES],
    c: [f32; LANES],
}

impl Kernel for Everything {
    type Output = (Vec<u32>, u64, (u16, u16), [u16; 2]);
    #[inline(always)]
    unsafe fn call<P: Pack>(self) -> Self::Output {
        // SAFETY: arrays of sixteen.
        unsafe {
            let (a, b, c) = (P::load(self.a.as_ptr()), P::load(self.b.as_ptr()), P::load(self.c.as_ptr()));
            let mut bits = Vec::new();
            for p in [a.fma(b, c), a.add(b), a.sub(b), a.mul(b), a.max(b), a.round(), exp2(a), a.keep(0b1010_0110_0101_1100), P::splat(2.5)]
            {
                let mut lanes = [0f32; LANES];
                p.store(lanes.as_mut_ptr());
                bits.extend(lanes.map(f32::to_bits));
            }
            let (xs, ys) = (self.b.map(f64::from), self.c.map(f64::from));
            let masks = P::distance_masks(f64::from(self.a[0]), f64::from(self.a[1]), xs.as_ptr(), ys.as_ptr(), 4.0, 3.5);
            (bits, a.sum().to_bits(), masks, [a.round().nonzero(), a.less(b)])
        }
    }
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let mut stream = gridlake_space::seed::Seed(7).stream("simd", 0);
    for round in 0..2_000 {
        let scale = [1.0, 1e-3, 30.0, 1e4][round % 4];
        let mut draw = || std::array::from_fn(|_| (stream.uniform_in(-1.0, 1.0) * scale) as f32);
        let (a, b, c) = (draw(), draw(), draw());
        let results: Vec<_> = available().into_iter().map(|set| run_on(set, Everything { a, b, c })).collect();
        assert!(results.windows(2).all(|w| w[0] == w[1]), "{:?} differ on {a:?} {b:?} {c:?}", available());
    }
}

#[test]
fn exp2_is_within_two_units_in_the_last_place() {
    struct Exp2([f32; LANES]);
    impl Kernel for Exp2 {
        type Output = [f32; LANES];
        #[inline(always)]
        unsafe fn call<P: Pack>(self) -> [f32; LANES] {
            let mut out = [0.0; LANES];
            // SAFETY: arrays of sixteen.
            unsafe { exp2(P::load(self.0.as_ptr())).store(out.as_mut_ptr()) };
            out
        }
    }
    for i in 0..20_000 {
        let x: [f32; LANES] = std::array::from_fn(|l| -125.0 + (i * LANES + l) as f32 * (250.0 / 320_000.0));
        for (x, y) in x.iter().zip(run(Exp2(x))) {
            let truth = f64::from(*x).exp2();
            assert!(((f64::from(y) - truth) / truth).abs() < 2.4e-7, "exp2({x}) = {y}, should be {truth}");
        }
    }
    assert_eq!(run(Exp2([0.0; LANES]))[3], 1.0);
    assert!(run(Exp2([-1e9; LANES]))[0] < 2e-38);
}

#[test]
fn a_transpose_moves_every_element() {
    struct Turn<'a>((usize, usize), &'a [f32], &'a mut [f32]);
    impl Kernel for Turn<'_> {
        type Output = ();
        #[inline(always)]
        unsafe fn call<P: Pack>(self) {
            let (rows, columns) = self.0;
            // SAFETY: slices of rows × columns.
            unsafe { transpose::<P>((rows, columns), self.1.as_ptr(), columns, self.2.as_mut_ptr(), rows) };
        }
    }
    for (rows, columns) in [(1, 1), (16, 16), (17, 33), (32, 15), (48, 64)] {
        let from: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
        for set in available() {
            let mut to = vec![-1.0; rows * columns];
            run_on(set, Turn((rows, columns), &from, &mut to));
            assert!((0..rows * columns).all(|i| to[i % columns * rows + i / columns] == from[i]), "{set:?} {rows}×{columns}");
        }
    }
}
