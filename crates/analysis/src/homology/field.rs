//! Integers modulo a prime.

/// Whether `p` is a prime.
pub(super) fn is_prime(p: u16) -> bool {
    p >= 2 && (2..=p).take_while(|&d| u32::from(d) * u32::from(d) <= u32::from(p)).all(|d| !p.is_multiple_of(d))
}

/// Z/p; elements are 0 to p - 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    p: u32,
}

impl Field {
    /// `p` must be a prime.
    pub(super) fn new(p: u16) -> Self {
        assert!(is_prime(p), "{p} is a prime");
        Self { p: u32::from(p) }
    }

    /// How many elements there are.
    pub(super) fn order(self) -> usize {
        self.p as usize
    }

    pub(super) fn plus(self, a: u32, b: u32) -> u32 {
        let sum = a + b;
        if sum >= self.p { sum - self.p } else { sum }
    }

    pub(super) fn negative(self, a: u32) -> u32 {
        if a == 0 { 0 } else { self.p - a }
    }

    pub(super) fn minus(self, a: u32, b: u32) -> u32 {
        self.plus(a, self.negative(b))
    }

    pub(super) fn times(self, a: u32, b: u32) -> u32 {
        a * b % self.p
    }

    /// 1/a by Fermat: a^(p-2).
    pub(super) fn inverse(self, a: u32) -> u32 {
        assert!(a != 0, "0 has no inverse");
        let (mut power, mut base, mut exponent) = (1, a, self.p - 2);
        while exponent > 0 {
            if exponent & 1 == 1 {
                power = self.times(power, base);
            }
            base = self.times(base, base);
            exponent >>= 1;
        }
        power
    }

    /// `a` with the sign of (-1)^`odd`.
    pub(super) fn signed(self, a: u32, odd: bool) -> u32 {
        if odd { self.negative(a) } else { a }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_known() {
        let primes: Vec<u16> = (0..50).filter(|&p| is_prime(p)).collect();
        assert_eq!(primes, [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47]);
        assert!(is_prime(65521) && !is_prime(65535));
    }

    #[test]
    fn every_element_but_zero_has_an_inverse() {
        for p in [2, 3, 47, 65521] {
            let field = Field::new(p);
            for a in 1..u32::from(p) {
                assert_eq!(field.times(a, field.inverse(a)), 1);
                assert_eq!(field.minus(0, field.negative(a)), a);
            }
        }
    }
}
