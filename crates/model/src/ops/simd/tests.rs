//! All instruction sets give the same bits, and `exp` is accurate.
#![expect(unsafe_code, reason = "implements and calls the unsafe kernel interface under test")]

use super::*;

struct Everything {
    a: [f32; LANES],
    b: [f32; LANES],
    c: [f32; LANES],
}

impl Kernel for Everything {
    type Output = (Vec<u32>, u64, (u16, u16), u16);
    #[inline(always)]
    unsafe fn call<P: Pack>(self) -> Self::Output {
        // SAFETY: arrays of sixteen.
        unsafe {
            let (a, b, c) = (P::load(self.a.as_ptr()), P::load(self.b.as_ptr()), P::load(self.c.as_ptr()));
            let mut bits = Vec::new();
            for p in [a.fma(b, c), a.add(b), a.sub(b), a.mul(b), a.max(b), a.round(), exp(a), a.keep(0b1010_0110_0101_1100), P::splat(2.5)]
            {
                let mut lanes = [0f32; LANES];
                p.store(lanes.as_mut_ptr());
                bits.extend(lanes.map(f32::to_bits));
            }
            let (xs, ys) = (self.b.map(f64::from), self.c.map(f64::from));
            let masks = P::distance_masks(f64::from(self.a[0]), f64::from(self.a[1]), xs.as_ptr(), ys.as_ptr(), 4.0, 3.5);
            (bits, a.sum().to_bits(), masks, a.round().nonzero())
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
fn exp_is_within_two_units_in_the_last_place() {
    struct Exp([f32; LANES]);
    impl Kernel for Exp {
        type Output = [f32; LANES];
        #[inline(always)]
        unsafe fn call<P: Pack>(self) -> [f32; LANES] {
            let mut out = [0.0; LANES];
            // SAFETY: arrays of sixteen.
            unsafe { exp(P::load(self.0.as_ptr())).store(out.as_mut_ptr()) };
            out
        }
    }
    for i in 0..20_000 {
        let x: [f32; LANES] = std::array::from_fn(|l| -86.0 + (i * LANES + l) as f32 * (170.0 / 320_000.0));
        for (x, y) in x.iter().zip(run(Exp(x))) {
            let truth = f64::from(*x).exp();
            assert!(((f64::from(y) - truth) / truth).abs() < 2.4e-7, "exp({x}) = {y}, should be {truth}");
        }
    }
    assert_eq!(run(Exp([0.0; LANES]))[3], 1.0);
    assert!(run(Exp([-1e9; LANES]))[0] < 2e-38);
}
