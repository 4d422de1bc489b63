//! Files as other software writes them, with synthetic cells of known truth.

use arrow::array::{ArrayRef, Float32Array, Float64Array, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::Float32Type;
use gridlake_space::arena::Arena;
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::Seed;
use gridlake_space::trajectory::{Motion, Walk};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

/// Spacing of the cells' fields, m.
pub(crate) const SPACING_M: f64 = 0.4;
/// Seconds from sample to sample.
pub(crate) const SAMPLE_S: f64 = 0.1;

/// Several walks in a box of 1 m whose lower left corner is the origin, and cells that fire along them.
#[derive(Clone)]
pub(crate) struct Cells {
    /// Moments of each walk.
    pub(crate) each: usize,
    /// s.
    pub(crate) time: Vec<f64>,
    /// m.
    pub(crate) place: Vec<[f64; 2]>,
    pub(crate) units: usize,
    /// Hz, `moments * units`.
    pub(crate) rates: Vec<f32>,
}

impl Cells {
    pub(crate) fn new(walks: u64, each: usize, units: usize) -> Self {
        let walk = Walk { motion: Motion::Smooth, steps: each, mean_speed_m: 0.05, velocity_limit_m: 0.15 };
        let paths = (0..walks).flat_map(|number| walk.draw(&Arena::square(1.0), &mut Seed(5).stream("import", number)).positions_m);
        let place: Vec<[f64; 2]> = paths.map(|place| [place[0] + 0.5, place[1] + 0.5]).collect();
        let time = (0..place.len()).map(|moment| moment as f64 * SAMPLE_S).collect();
        let lattice = Lattice::hexagonal(SPACING_M, 0.2);
        let offset = |unit: usize| [0.137 * unit as f64 % SPACING_M, 0.213 * unit as f64 % SPACING_M];
        let rates =
            place.iter().flat_map(|place| (0..units).map(|unit| 8.0 * lattice.rate_sharp(place[0], place[1], offset(unit), 2.0) as f32));
        Self { each, time, rates: rates.collect(), place, units }
    }

    pub(crate) fn len(&self) -> usize {
        self.time.len()
    }

    fn column(&self, unit: usize) -> Vec<f32> {
        self.rates.iter().skip(unit).step_by(self.units).copied().collect()
    }

    /// A header, then a line for each moment: wide columns.
    pub(crate) fn csv(&self, path: &Path) {
        let mut text = "trajectory,time_s,x,y".to_owned();
        (0..self.units).for_each(|unit| write!(text, ",unit_{unit}").unwrap());
        for (moment, (time, place)) in self.time.iter().zip(&self.place).enumerate() {
            write!(text, "\n{},{time},{},{}", moment / self.each, place[0], place[1]).unwrap();
            self.rates[moment * self.units..][..self.units].iter().for_each(|rate| write!(text, ",{rate}").unwrap());
        }
        std::fs::write(path, text + "\n").unwrap();
    }

    /// Columns of numbers, and a list column of rates.
    pub(crate) fn batch(&self) -> RecordBatch {
        let lists = self.rates.chunks(self.units).map(|rates| Some(rates.iter().copied().map(Some)));
        let numbers = |values: Vec<f64>| Arc::new(Float64Array::from(values)) as ArrayRef;
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("session", Arc::new(Int64Array::from((0..self.len()).map(|moment| (moment / self.each) as i64).collect::<Vec<_>>()))),
            ("t", numbers(self.time.clone())),
            ("pos_x", numbers(self.place.iter().map(|place| place[0]).collect())),
            ("pos_y", numbers(self.place.iter().map(|place| place[1]).collect())),
            ("firing_rates", Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(lists))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    /// The same moments and units as arrays of two axes, units by moments where `transposed`.
    pub(crate) fn npz(&self, path: &Path, transposed: bool) {
        let trajectory: Vec<f64> = (0..self.len()).map(|moment| (moment / self.each) as f64).collect();
        let (rates, shape) = if transposed {
            ((0..self.units).flat_map(|unit| self.column(unit)).collect(), [self.units, self.len()])
        } else {
            (self.rates.clone(), [self.len(), self.units])
        };
        npz(
            path,
            &[
                ("t", npy("<f8", false, &[self.len()], &bytes(&self.time))),
                ("pos", npy("<f8", false, &[self.len(), 2], &bytes(self.place.as_flattened()))),
                ("trajectory", npy("<f8", false, &[self.len()], &bytes(&trajectory))),
                ("rates", npy("<f4", false, &shape, &bytes32(&rates))),
            ],
        );
    }

    /// As arrays of three axes: trajectories, moments, units.
    pub(crate) fn npz_3d(&self, path: &Path) {
        let walks = self.len() / self.each;
        npz(
            path,
            &[
                ("time_s", npy("<f8", false, &[walks, self.each], &bytes(&self.time))),
                ("position", npy("<f8", false, &[walks, self.each, 2], &bytes(self.place.as_flattened()))),
                ("activity", npy("<f4", false, &[walks, self.each, self.units], &bytes32(&self.rates))),
            ],
        );
    }

    /// Spikes drawn from the rates, each moment's in the time until the next: unit and time, in an order of their own.
    pub(crate) fn spikes(&self, gain: f64) -> Vec<(usize, f64)> {
        let mut stream = Seed(11).stream("spikes", 0);
        let mut spikes = Vec::new();
        for unit in 0..self.units {
            for (moment, time) in self.time.iter().enumerate() {
                let expected = gain * f64::from(self.rates[moment * self.units + unit]) * SAMPLE_S;
                // Poisson, by the times between spikes.
                let mut until = -stream.uniform_in(1e-12, 1.0).ln();
                while until < expected {
                    spikes.push((unit, time + SAMPLE_S * until / expected));
                    until -= stream.uniform_in(1e-12, 1.0).ln();
                }
            }
        }
        spikes
    }
}

pub(crate) fn bytes(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub(crate) fn bytes32(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// An array as `numpy.save` writes it.
pub(crate) fn npy(descr: &str, fortran: bool, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let axes = shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ") + ",";
    let order = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({axes}), }}");
    header.push_str(&" ".repeat(63 - (10 + header.len()) % 64));
    header.push('\n');
    [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
}

/// An archive as `numpy.savez` writes it: every other array compressed, as `numpy.savez_compressed` would.
pub(crate) fn npz(path: &Path, arrays: &[(&str, Vec<u8>)]) {
    let mut archive = zip::ZipWriter::new(File::create(path).unwrap());
    for (number, (name, array)) in arrays.iter().enumerate() {
        let method = if number % 2 == 0 { zip::CompressionMethod::Stored } else { zip::CompressionMethod::Deflated };
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(array).unwrap();
    }
    archive.finish().unwrap();
}

/// A Parquet file in small row groups.
pub(crate) fn parquet(path: &Path, batch: &RecordBatch, compression: Compression) {
    let properties = WriterProperties::builder().set_compression(compression).set_max_row_group_row_count(Some(700)).build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

/// The batch with one column replaced, or another one added.
pub(crate) fn with(batch: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
    let schema = batch.schema();
    let mut columns: Vec<(String, ArrayRef)> =
        schema.fields().iter().zip(batch.columns()).map(|(field, column)| (field.name().clone(), Arc::clone(column))).collect();
    match columns.iter_mut().find(|(own, _)| own == name) {
        Some(own) => own.1 = column,
        None => columns.push((name.to_owned(), column)),
    }
    RecordBatch::try_from_iter(columns).unwrap()
}

/// A list column whose values one change is made to.
pub(crate) fn lists(cells: &Cells, change: impl Fn(usize, &mut Vec<f32>)) -> ArrayRef {
    let lists = cells.rates.chunks(cells.units).enumerate().map(|(row, rates)| {
        let mut rates = rates.to_vec();
        change(row, &mut rates);
        Some(rates.into_iter().map(Some).collect::<Vec<_>>())
    });
    Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(lists))
}

pub(crate) fn texts(rows: usize) -> ArrayRef {
    Arc::new(StringArray::from((0..rows).map(|row| format!("text {row}")).collect::<Vec<_>>()))
}

pub(crate) fn floats32(values: Vec<f32>) -> ArrayRef {
    Arc::new(Float32Array::from(values))
}
