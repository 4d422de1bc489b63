//! Scores of sixteen autocorrelograms at once, in single precision: what surrogates are scored by.
//!
//! Sixteen values of one lag lie side by side, so every sum is one over vectors, and a rotated lag's sixteen neighbours and weights are looked up once
//! for all. Autocorrelograms are point-symmetric: the half plane `dy ≥ 0` is kept (and two rows more, which cubic convolution reads). Where bins are square
//! and lags as many along both axes, a quarter turn permutes lags, so 120°, 135° and 150° are 30°, 45° and 60° read elsewhere. Correlations over growing
//! annuli come from sums per ring, added up in double precision. Where no lag of a ring is undefined, which is the rule where every bin was visited, sums of one side
//! alone are taken once: of the unrotated lags for all angles, and of a rotation for the quarter turn after it, which only permutes a ring.

use super::rotation::{Rotations, Taps};
use crate::simd::{Kernel, widest};
use std::ops::Range;

/// Autocorrelograms that are scored at once.
pub(crate) const LANES: usize = 16;
/// Lags that are taken in at once.
const BLOCK: usize = 64;
/// Rows above zero lag that are kept.
const ABOVE: usize = 2;
/// Variance of a ring of values, relative to their mean square, below which single precision is not enough.
const TOO_ALIKE: f64 = 1e-2;

/// One value of each autocorrelogram.
pub(crate) type Lanes = [f32; LANES];

/// Rotations by several angles, and the rings that are summed over.
#[derive(Clone)]
pub(super) struct BatchRotations {
    shape: (usize, usize),
    /// Place of each lag in the half plane.
    at: Vec<u32>,
    /// Per interpolated angle, each lag's neighbours.
    taps: Vec<Vec<Neighbours>>,
    /// Where a quarter turn takes each lag.
    turn: Vec<u32>,
    /// Per angle, which values: 0 the unrotated ones, then the interpolated angles; and whether a quarter turn on.
    source: Vec<(usize, bool)>,
    rings: Vec<Range<usize>>,
}

#[derive(Clone, Copy)]
struct Neighbours {
    /// First of 4 x 4 neighbours; `OUTSIDE` where there are none.
    first: u32,
    /// Whether a neighbour has no weight, and so must not be read.
    sparse: bool,
    weight_y: [f32; 4],
    weight_x: [f32; 4],
}

const OUTSIDE: u32 = u32::MAX;

/// Sums over the pairs (unrotated s, rotated t) of one ring.
#[derive(Clone, Copy, Default)]
pub(super) struct Pairs {
    pub(super) n: Lanes,
    pub(super) s: Lanes,
    pub(super) t: Lanes,
    pub(super) ss: Lanes,
    pub(super) tt: Lanes,
    pub(super) st: Lanes,
}

/// Buffers of one thread.
#[derive(Default)]
pub(crate) struct BatchWorkspace {
    /// The autocorrelograms: lags of the half plane and two rows above it.
    values: Vec<Lanes>,
    /// Lags in the rotations' order: unrotated, then each interpolated angle.
    rotated: Vec<Vec<Lanes>>,
    /// `angle * rings + ring`, the first angle unrotated.
    pub(super) pairs: Vec<Pairs>,
}

impl BatchRotations {
    /// For the lags of `rotations` by `degrees`, summed over `rings` (ranges of lags). `turns` says that a quarter turn permutes the lags.
    pub(super) fn new(rotations: &Rotations, degrees: &[f64], shape: (usize, usize), turns: bool, rings: Vec<Range<usize>>) -> Self {
        let half = (shape.0 / 2 + 1, shape.1);
        let middle = (shape.0 / 2, shape.1 / 2);
        let place = |index: usize| ((index / shape.1 + ABOVE - middle.0) * shape.1 + index % shape.1) as u32;
        let at: Vec<u32> = rotations.at.iter().map(|&index| place(index)).collect();
        let mut source = Vec::new();
        let mut taps = Vec::new();
        let mut own: Vec<f64> = Vec::new();
        for &angle in degrees {
            let before = if turns { own.iter().position(|&other| (angle - 90.0 - other).abs() < 1e-9) } else { None };
            if turns && angle == 90.0 {
                source.push((0, true));
            } else if let Some(other) = before {
                source.push((other + 1, true));
            } else {
                own.push(angle);
                source.push((own.len(), false));
                taps.push((0..at.len()).map(|lag| neighbours(rotations.upper(angle, lag), shape)).collect());
            }
        }
        let mut lag_at = vec![0_u32; if turns { (half.0 + ABOVE) * half.1 } else { 0 }];
        let mut turn = Vec::new();
        if turns {
            for (lag, &at) in at.iter().enumerate() {
                lag_at[at as usize] = lag as u32;
            }
            turn = rotations
                .at
                .iter()
                .map(|&index| {
                    let (dy, dx) = ((index / shape.1) as isize - middle.0 as isize, (index % shape.1) as isize - middle.1 as isize);
                    // (x, y) to (-y, x), or its mirror image.
                    let (y, x) = if dx > 0 || (dx == 0 && dy < 0) { (dx, -dy) } else { (-dx, dy) };
                    lag_at[(y + ABOVE as isize) as usize * shape.1 + (x + middle.1 as isize) as usize]
                })
                .collect();
        }
        Self { shape: half, at, taps, turn, source, rings }
    }

    /// Takes in autocorrelograms of the half plane, row-major from zero lag on.
    pub(super) fn load(&self, planes: &[Vec<f32>], workspace: &mut BatchWorkspace) {
        let (rows, cols) = self.shape;
        workspace.values.resize((rows + ABOVE) * cols, [f32::NAN; LANES]);
        let below = &mut workspace.values[ABOVE * cols..];
        // A block of lags of all planes at a time, which stays in the cache until its last plane.
        for (number, block) in below.chunks_mut(BLOCK).enumerate() {
            for (lane, plane) in planes.iter().enumerate() {
                for (value, &r) in block.iter_mut().zip(&plane[number * BLOCK..]) {
                    value[lane] = r;
                }
            }
        }
        for row in 0..ABOVE {
            for col in 0..cols {
                let mirrored = ABOVE + (ABOVE - row);
                workspace.values[row * cols + col] =
                    if mirrored < rows + ABOVE { workspace.values[mirrored * cols + cols - 1 - col] } else { [f32::NAN; LANES] };
            }
        }
    }

    /// Sums per ring and angle of what was loaded; the first angle is the unrotated one.
    pub(super) fn sum(&self, workspace: &mut BatchWorkspace) {
        let BatchWorkspace { values, rotated, pairs } = workspace;
        rotated.resize(self.taps.len() + 1, Vec::new());
        for lags in rotated.iter_mut() {
            lags.resize(self.at.len(), [0.0; LANES]);
        }
        for (value, &at) in rotated[0].iter_mut().zip(&self.at) {
            *value = values[at as usize];
        }
        for (taps, out) in self.taps.iter().zip(&mut rotated[1..]) {
            widest(Interpolate { values, cols: self.shape.1, taps, out });
        }
        pairs.clear();
        let rings = self.rings.len();
        for (number, &(which, turned)) in [(0, false)].iter().chain(&self.source).enumerate() {
            let (still, other, turn) = (&rotated[0], &rotated[which], turned.then_some(&self.turn));
            // The angle that a quarter turn leads on from, which comes before.
            let before = self.source[..number.saturating_sub(1)].iter().position(|&(source, turned)| source == which && !turned);
            let before = before.map_or(0, |angle| angle + 1);
            for (at, ring) in self.rings.iter().enumerate() {
                let whole = if number == 0 {
                    None
                } else {
                    let alone = pairs[if turned { before * rings } else { 0 } + at];
                    widest(WholeRing { still, other, turn, lags: ring.clone(), s: &pairs[at], t: turned.then_some(&alone) })
                };
                pairs.push(whole.unwrap_or_else(|| widest(RingSums { still, other, turn, ring: ring.clone() })));
            }
        }
    }

    /// The whole autocorrelogram of one half, in double precision.
    pub(super) fn whole(&self, half: &[f32]) -> Vec<f64> {
        half[self.shape.1..].iter().rev().chain(half).map(|&r| f64::from(r)).collect()
    }

    pub(super) fn rings(&self) -> usize {
        self.rings.len()
    }
}

/// Neighbours in the half plane of the point with these neighbours in the whole one.
fn neighbours(taps: Option<Taps>, shape: (usize, usize)) -> Neighbours {
    let Some(taps) = taps else { return Neighbours { first: OUTSIDE, sparse: false, weight_y: [0.0; 4], weight_x: [0.0; 4] } };
    let first = taps.first as usize + ABOVE * shape.1 - shape.0 / 2 * shape.1;
    let sparse = taps.weight_y.iter().chain(&taps.weight_x).any(|&weight| weight == 0.0);
    Neighbours { first: first as u32, sparse, weight_y: taps.weight_y.map(|w| w as f32), weight_x: taps.weight_x.map(|w| w as f32) }
}

struct Interpolate<'a> {
    values: &'a [Lanes],
    cols: usize,
    taps: &'a [Neighbours],
    out: &'a mut [Lanes],
}

impl Kernel for Interpolate<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (out, taps) in self.out.iter_mut().zip(self.taps) {
            if taps.first == OUTSIDE {
                *out = [f32::NAN; LANES];
                continue;
            }
            let lines: [&[Lanes; 4]; 4] = std::array::from_fn(|row| {
                let line = &self.values[taps.first as usize + row * self.cols..];
                line.first_chunk().expect("four columns")
            });
            if taps.sparse {
                *out = without_unweighted(lines, taps);
                continue;
            }
            let (y, x) = (&taps.weight_y, &taps.weight_x);
            for (lane, out) in out.iter_mut().enumerate() {
                let along = lines.map(|line| x[0] * line[0][lane] + x[1] * line[1][lane] + x[2] * line[2][lane] + x[3] * line[3][lane]);
                *out = y[0] * along[0] + y[1] * along[1] + y[2] * along[2] + y[3] * along[3];
            }
        }
    }
}

/// The sum over neighbours that have a weight; those that have none may be undefined.
#[inline(always)]
fn without_unweighted(lines: [&[Lanes; 4]; 4], taps: &Neighbours) -> Lanes {
    let mut sum = [0.0; LANES];
    for (line, weight_y) in lines.into_iter().zip(taps.weight_y) {
        for (value, weight_x) in line.iter().zip(taps.weight_x) {
            if weight_y * weight_x != 0.0 {
                for lane in 0..LANES {
                    sum[lane] += weight_y * weight_x * value[lane];
                }
            }
        }
    }
    sum
}

/// As [`RingSums`], from sums that are known; nothing where a lag is undefined.
struct WholeRing<'a> {
    still: &'a [Lanes],
    other: &'a [Lanes],
    turn: Option<&'a Vec<u32>>,
    lags: Range<usize>,
    /// Sums of the unrotated lags.
    s: &'a Pairs,
    /// Sums whose `t` and `tt` are these too.
    t: Option<&'a Pairs>,
}

impl Kernel for WholeRing<'_> {
    type Output = Option<Pairs>;

    #[inline(always)]
    fn call(self) -> Option<Pairs> {
        let mut sums = Pairs { n: self.s.n, s: self.s.s, ss: self.s.ss, ..Pairs::default() };
        if sums.n.iter().any(|&n| n < self.lags.len() as f32) {
            return None;
        }
        let (still, mut st) = (&self.still[self.lags.clone()], [0.0; LANES]);
        if let Some(alone) = self.t {
            (sums.t, sums.tt) = (alone.t, alone.tt);
            for (s, lag) in still.iter().zip(self.lags) {
                let t = &self.other[self.turn.map_or(lag, |turn| turn[lag] as usize)];
                for lane in 0..LANES {
                    st[lane] += s[lane] * t[lane];
                }
            }
        } else {
            let (mut t_sum, mut tt) = ([0.0; LANES], [0.0; LANES]);
            for (s, t) in still.iter().zip(&self.other[self.lags]) {
                for lane in 0..LANES {
                    t_sum[lane] += t[lane];
                    tt[lane] += t[lane] * t[lane];
                    st[lane] += s[lane] * t[lane];
                }
            }
            (sums.t, sums.tt) = (t_sum, tt);
        }
        sums.st = st;
        (!sums.st.iter().any(|sum| sum.is_nan())).then_some(sums)
    }
}

struct RingSums<'a> {
    still: &'a [Lanes],
    other: &'a [Lanes],
    turn: Option<&'a Vec<u32>>,
    ring: Range<usize>,
}

impl Kernel for RingSums<'_> {
    type Output = Pairs;

    #[inline(always)]
    fn call(self) -> Pairs {
        let [mut n, mut s_sum, mut t_sum, mut ss, mut tt, mut st] = [[0.0_f32; LANES]; 6];
        for lag in self.ring {
            let s = &self.still[lag];
            let t = &self.other[self.turn.map_or(lag, |turn| turn[lag] as usize)];
            for lane in 0..LANES {
                // One NaN leaves the pair out.
                let defined = !(s[lane] + t[lane]).is_nan();
                let (s, t) = (if defined { s[lane] } else { 0.0 }, if defined { t[lane] } else { 0.0 });
                n[lane] += if defined { 1.0 } else { 0.0 };
                s_sum[lane] += s;
                t_sum[lane] += t;
                ss[lane] += s * s;
                tt[lane] += t * t;
                st[lane] += s * t;
            }
        }
        Pairs { n, s: s_sum, t: t_sum, ss, tt, st }
    }
}

/// Sums of one autocorrelogram, in double precision.
#[derive(Clone, Copy, Default)]
pub(super) struct Total {
    pub(super) n: f64,
    pub(super) s: f64,
    pub(super) t: f64,
    pub(super) ss: f64,
    pub(super) tt: f64,
    pub(super) st: f64,
}

impl Total {
    pub(super) fn add(&mut self, ring: &Pairs, lane: usize) {
        self.n += f64::from(ring.n[lane]);
        self.s += f64::from(ring.s[lane]);
        self.t += f64::from(ring.t[lane]);
        self.ss += f64::from(ring.ss[lane]);
        self.tt += f64::from(ring.tt[lane]);
        self.st += f64::from(ring.st[lane]);
    }

    /// Whether both sides vary enough for single precision (or there is nothing to go wrong).
    pub(super) fn precise(&self) -> bool {
        self.n == 0.0
            || (self.ss - self.s * self.s / self.n >= TOO_ALIKE * self.ss && self.tt - self.t * self.t / self.n >= TOO_ALIKE * self.tt)
    }
}
