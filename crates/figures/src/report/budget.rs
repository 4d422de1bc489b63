//! How a report becomes small enough.

use super::{MAX_CLOUD_POINTS, Report};

/// The largest report, in bytes.
pub const MAX_REPORT_BYTES: usize = 10_000_000;

/// Points per cloud at each thinning.
const THINNED: [usize; 3] = [5_000, 2_500, 1_000];

/// How much of a report is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// The most points of a cloud.
    pub(super) cloud_points: usize,
    /// Indices of figures that are left out.
    pub(super) figures_left_out: Vec<usize>,
    /// Whether spectra are kept.
    pub(super) spectra: bool,
    /// Whether autocorrelograms are kept.
    pub(super) autocorrelograms: bool,
}

impl Plan {
    /// Everything.
    pub(super) fn whole() -> Self {
        Self { cloud_points: MAX_CLOUD_POINTS, figures_left_out: Vec::new(), spectra: true, autocorrelograms: true }
    }

    /// The next smaller plan; `None` if there is none.
    pub(super) fn smaller(mut self, report: &Report) -> Option<Self> {
        let most_points = report.clouds.iter().map(|cloud| cloud.points.len()).max().unwrap_or(0).min(self.cloud_points);
        if let Some(&points) = THINNED.iter().find(|&&points| points < most_points) {
            self.cloud_points = points;
            return Some(self);
        }
        let left = report.figures.iter().enumerate().filter(|(index, _)| !self.figures_left_out.contains(index));
        if let Some((index, _)) = left.max_by_key(|(index, figure)| (figure.image.len(), *index)) {
            self.figures_left_out.push(index);
        } else if self.spectra {
            self.spectra = false;
        } else if self.autocorrelograms {
            self.autocorrelograms = false;
        } else {
            return None;
        }
        Some(self)
    }

    /// What the page says about what is not in it.
    pub(super) fn notes(&self, report: &Report) -> Vec<String> {
        let mut notes = Vec::new();
        let thinned: Vec<String> = report
            .clouds
            .iter()
            .filter(|cloud| self.cloud_points < MAX_CLOUD_POINTS && cloud.points.len() > self.cloud_points)
            .map(|cloud| format!("{} ({} points)", cloud.label, crate::number::grouped(cloud.points.len() as u64)))
            .collect();
        if !thinned.is_empty() {
            let kept = crate::number::grouped(self.cloud_points as u64);
            notes.push(format!("Point clouds are thinned to {kept} points to keep this file small: {}.", thinned.join("; ")));
        }
        if !self.figures_left_out.is_empty() {
            let titles: Vec<&str> = self.figures_left_out.iter().map(|&index| report.figures[index].title.as_str()).collect();
            notes.push(format!("Figures left out to keep this file small, to be found among the run's figures: {}.", titles.join("; ")));
        }
        let maps = |kept: bool, name: &'static str| (!kept).then_some(name);
        let left_out: Vec<&str> =
            [maps(self.spectra, "spectra"), maps(self.autocorrelograms, "autocorrelograms")].into_iter().flatten().collect();
        if !left_out.is_empty() {
            notes.push(format!("Left out to keep this file small: the units' {}.", left_out.join(" and ")));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cloud, Image, ReportFigure};
    use super::*;

    #[test]
    fn plans_shrink_in_the_documented_order_and_end() {
        let figure = |bytes: usize| ReportFigure { title: bytes.to_string(), caption: String::new(), image: Image::Png(vec![0; bytes]) };
        let cloud = Cloud { points: vec![[0.0; 3]; 4_000], ..Cloud::default() };
        let report = Report { clouds: vec![cloud], figures: vec![figure(10), figure(30)], ..Report::default() };
        let mut plans = vec![Plan::whole()];
        while let Some(smaller) = plans[plans.len() - 1].clone().smaller(&report) {
            plans.push(smaller);
        }
        let seen: Vec<_> =
            plans.iter().map(|plan| (plan.cloud_points, plan.figures_left_out.len(), plan.spectra, plan.autocorrelograms)).collect();
        let expected = [
            (10_000, 0, true, true),
            (2_500, 0, true, true),
            (1_000, 0, true, true),
            (1_000, 1, true, true),
            (1_000, 2, true, true),
            (1_000, 2, false, true),
            (1_000, 2, false, false),
        ];
        assert_eq!(seen, expected);
        assert_eq!(plans[3].figures_left_out, [1], "the largest first");
        assert_eq!((plans[0].notes(&report).len(), plans[6].notes(&report).len()), (0, 3));
    }
}
