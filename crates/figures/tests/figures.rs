//! Exact data, loose pixels: what goes in is found again in the files.

mod common;

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use gridlake_figures::{
    Development, FigureError, Normalization, PhaseMark, SheetOptions, TrainingCurves, UnitPanel, UnitSheet, draw_autocorrelograms,
    draw_development, draw_ratemaps, draw_ratemaps_with, draw_training_curves,
};
use ndarray::{Array2, array};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const UNVISITED: [u8; 3] = [196, 196, 196];
const VIRIDIS_LOW: [u8; 3] = [0x44, 0x01, 0x54];
const VIRIDIS_HIGH: [u8; 3] = [0xfd, 0xe7, 0x25];
const DEAD_RED: [u8; 3] = [198, 40, 40];

struct Picture {
    width: usize,
    rgb: Vec<u8>,
    dots_per_metre: u32,
}

impl Picture {
    fn read(path: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let mut reader = png::Decoder::new(BufReader::new(File::open(path)?)).read_info()?;
        let mut rgb = vec![0; reader.output_buffer_size()];
        reader.next_frame(&mut rgb)?;
        let info = reader.info();
        let dots_per_metre = info.pixel_dims.map_or(0, |dims| dims.xppu);
        Ok(Self { width: info.width as usize, rgb, dots_per_metre })
    }

    fn pixels(&self) -> impl Iterator<Item = [u8; 3]> + '_ {
        self.rgb.chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]])
    }

    /// How many dots have a colour within the rectangle between two corners in millimetres.
    fn count(&self, color: [u8; 3], from_mm: (f64, f64), to_mm: (f64, f64)) -> usize {
        let dots = |mm: f64| (mm / 25.4 * 600.0) as usize;
        self.pixels()
            .enumerate()
            .map(|(index, pixel)| (index % self.width, index / self.width, pixel))
            .filter(|&(x, y, _)| (dots(from_mm.0)..dots(to_mm.0)).contains(&x) && (dots(from_mm.1)..dots(to_mm.1)).contains(&y))
            .filter(|&(.., pixel)| pixel == color)
            .count()
    }

    fn at(&self, x_mm: f64, y_mm: f64) -> [u8; 3] {
        let dots = |mm: f64| (mm / 25.4 * 600.0) as usize;
        let start = (dots(y_mm) * self.width + dots(x_mm)) * 3;
        [self.rgb[start], self.rgb[start + 1], self.rgb[start + 2]]
    }
}

fn panel(unit: usize, map: &Array2<f64>, score: Option<f64>, dead: bool) -> UnitPanel<'_> {
    UnitPanel { unit, map: map.view(), score, significant: score.is_some_and(|score| score > 0.5), dead, class: "grid" }
}

fn sheet<'a>(panels: &'a [UnitPanel<'a>]) -> UnitSheet<'a> {
    UnitSheet { title: "Ratemaps & more", panels, bin_m: [0.04, 0.04], score_name: "grid score", null_level: 0.99 }
}

/// The first map of a sheet of at most three units: 24 mm wide, 2 mm from the left, under header and title.
const MAP: (f64, f64, f64) = (2.0, 12.3, 24.0);

#[test]
fn every_bin_of_a_ratemap_has_its_colour_at_its_place() -> Outcome {
    let folder = tempfile::tempdir()?;
    // Lower left 0, lower right unvisited, upper left 2 (the peak), upper right 0.
    let map = array![[0.0, f64::NAN], [2.0, 0.0]];
    let panels = [panel(7, &map, Some(1.0), false)];
    let files = draw_ratemaps(&sheet(&panels), Normalization::PerUnit, &folder.path().join("one"))?;
    let picture = Picture::read(&files[0])?;
    let (x, y, side) = MAP;
    let (near, far) = (0.25 * side, 0.75 * side);
    assert_eq!(picture.at(x + near, y + near), VIRIDIS_HIGH, "upper left");
    assert_eq!(picture.at(x + far, y + near), VIRIDIS_LOW, "upper right");
    assert_eq!(picture.at(x + near, y + far), VIRIDIS_LOW, "lower left");
    assert_eq!(picture.at(x + far, y + far), UNVISITED, "lower right");
    Ok(())
}

#[test]
fn the_best_unit_stands_first_and_the_dead_one_last_in_red() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (dead, good, poor) =
        (Array2::zeros((3, 3)), Array2::from_elem((3, 3), 1.0), array![[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]);
    let panels = [panel(0, &dead, Some(3.0), true), panel(1, &poor, Some(-0.2), false), panel(2, &good, Some(1.2), false)];
    let options = SheetOptions { list_dead_units: false, ..SheetOptions::default() };
    let files = draw_ratemaps_with(&sheet(&panels), Normalization::PerUnit, &options, &folder.path().join("order"))?;
    let picture = Picture::read(&files[0])?;
    let (x, y, side) = MAP;
    let step = side + 1.2;
    let centre = |column: f64| picture.at(x + column * step + side / 2.0, y + side / 2.0);
    assert_eq!(centre(0.0), VIRIDIS_HIGH, "the good unit is at its peak everywhere");
    assert_eq!(centre(1.0), VIRIDIS_LOW);
    assert_eq!(centre(2.0), VIRIDIS_LOW);
    let red = |column: f64| picture.count(DEAD_RED, (x + column * step - 0.5, y - 0.5), (x + column * step + side + 0.5, y + side + 0.5));
    assert_eq!((red(0.0), red(1.0)), (0, 0));
    assert!(red(2.0) > 4000, "a frame of four sides: {}", red(2.0));
    Ok(())
}

#[test]
fn dead_units_take_a_line_and_peak_rates_stand_above_maps() -> Outcome {
    let folder = tempfile::tempdir()?;
    let maps: Vec<_> = (0..40).map(|unit| Array2::from_elem((4, 3), if unit % 4 == 0 { 0.0 } else { 0.25 })).collect();
    let panels: Vec<_> = maps.iter().enumerate().map(|(unit, map)| panel(unit, map, Some(0.6), unit % 4 == 0)).collect();
    let options = SheetOptions { peak_rate_unit: Some("Hz"), ..SheetOptions::default() };
    let svg = |name: &str| -> Result<String, Box<dyn std::error::Error>> { Ok(fs::read_to_string(folder.path().join(name))?) };
    draw_ratemaps_with(&sheet(&panels), Normalization::PerUnit, &options, &folder.path().join("peaks"))?;
    let peaks = svg("peaks.svg")?;
    assert_eq!(peaks.matches(">0.25</text>").count(), 30);
    assert!(
        peaks.contains(">Below the score: peak rate (Hz)</text>")
            && peaks.contains(">10 dead units: 0, 4, 8, 12, 16, 20, 24, 28, 32, 36</text>")
    );
    assert!(peaks.contains(">Grid score above own 99 % null: 30 of 30 grid</text>"));
    let (all_dead, map) = (folder.path().join("dead"), Array2::zeros((4, 3)));
    draw_ratemaps(&sheet(&[panel(3, &map, None, true)]), Normalization::Shared, &all_dead)?;
    let dead = svg("dead.svg")?;
    assert!(dead.contains(">No active units</text>") && dead.contains(">1 dead unit: 3</text>"));
    Ok(())
}

#[test]
fn titles_of_maps_never_overlap() -> Outcome {
    let folder = tempfile::tempdir()?;
    let options = SheetOptions { peak_rate_unit: Some("arbitrary units"), list_dead_units: false };
    for (count, rows, columns) in
        [(1, 4, 4), (3, 4, 4), (3, 8, 2), (12, 9, 3), (13, 4, 4), (128, 4, 4), (128, 8, 2), (300, 4, 4), (300, 2, 8), (512, 4, 4)]
    {
        let maps: Vec<_> = (0..count).map(|unit| Array2::from_elem((rows, columns), 1.2e-4 * f64::from(unit))).collect();
        let panels: Vec<_> = maps.iter().enumerate().map(|(unit, map)| panel(unit, map, Some(-0.6), unit % 7 == 6)).collect();
        common::check(&draw_ratemaps_with(&sheet(&panels), Normalization::PerUnit, &options, &folder.path().join("peaks"))?)?;
        common::check(&draw_autocorrelograms(&sheet(&panels), &folder.path().join("lags"))?)?;
    }
    Ok(())
}

#[test]
fn a_map_keeps_the_shape_of_its_arena() -> Outcome {
    let folder = tempfile::tempdir()?;
    for (rows, columns) in [(10, 40), (40, 10)] {
        let map = Array2::from_elem((rows, columns), 1.0);
        let panels: Vec<_> = (0..60).map(|unit| panel(1000 + unit, &map, Some(-0.6), false)).collect();
        let files = draw_ratemaps(&sheet(&panels), Normalization::PerUnit, &folder.path().join("shape"))?;
        let svg = fs::read_to_string(&files[1])?;
        let image = svg.lines().find(|line| line.starts_with("<image")).ok_or("no map")?;
        let size = |name: &str| -> Option<f64> { image.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0.parse().ok() };
        let (width, height) = (size("width").ok_or("no width")?, size("height").ok_or("no height")?);
        assert!((height / width * columns as f64 / rows as f64 - 1.0).abs() < 0.02, "{width} x {height}");
        assert!(svg.contains(">#1059</text>"), "every map has its number");
    }
    Ok(())
}

#[test]
fn a_shared_scale_shows_rates_and_a_scale_per_unit_hides_them() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (weak, strong) = (Array2::from_elem((2, 2), 0.1), Array2::from_elem((2, 2), 1.0));
    let panels = [panel(0, &weak, Some(2.0), false), panel(1, &strong, Some(1.0), false)];
    let (x, y, side) = MAP;
    let centre_of_weak = |normalization, name: &str| -> Result<[u8; 3], Box<dyn std::error::Error>> {
        let files = draw_ratemaps(&sheet(&panels), normalization, &folder.path().join(name))?;
        Ok(Picture::read(&files[0])?.at(x + side / 2.0, y + side / 2.0))
    };
    assert_eq!(centre_of_weak(Normalization::PerUnit, "own")?, VIRIDIS_HIGH);
    let shared = centre_of_weak(Normalization::Shared, "shared")?;
    assert!(shared != VIRIDIS_HIGH && shared[1] < 60, "a tenth of the scale is dark: {shared:?}");
    Ok(())
}

#[test]
fn correlations_are_blue_below_zero_and_red_above() -> Outcome {
    let folder = tempfile::tempdir()?;
    let map = array![[-1.0, 0.0], [1.0, f64::NAN]];
    let panels = [panel(0, &map, Some(1.0), false)];
    let files = draw_autocorrelograms(&sheet(&panels), &folder.path().join("lags"))?;
    let picture = Picture::read(&files[0])?;
    let (x, y, side) = MAP;
    let (near, far) = (0.25 * side, 0.75 * side);
    let [red, _, blue] = picture.at(x + near, y + far);
    assert!(blue > 100 && red < 30, "-1 lies at the lower left and is blue");
    let [red, _, blue] = picture.at(x + near, y + near);
    assert!(red > 100 && blue < 30, "1 lies at the upper left and is red");
    let [red, green, blue] = picture.at(x + far, y + far);
    assert!(red == green && green == blue && red > 240, "0 is white");
    assert_eq!(picture.at(x + far, y + near), UNVISITED);
    Ok(())
}

#[test]
fn files_have_print_resolution_and_a_size_in_millimetres() -> Outcome {
    let folder = tempfile::tempdir()?;
    let map = Array2::from_elem((4, 4), 1.0);
    for (count, width_mm) in [(1, 85.0), (40, 180.0)] {
        let panels: Vec<_> = (0..count).map(|unit| panel(unit, &map, Some(1.0), false)).collect();
        let files = draw_ratemaps(&sheet(&panels), Normalization::Shared, &folder.path().join(format!("box-2.5m-{count}")))?;
        assert!(files[0].ends_with(format!("box-2.5m-{count}.png")) && files[1].ends_with(format!("box-2.5m-{count}.svg")));
        let picture = Picture::read(&files[0])?;
        assert!((picture.width as f64 / width_mm * 25.4 - 600.0).abs() < 1.0, "{} dots", picture.width);
        assert_eq!(picture.dots_per_metre, 23_622, "600 dpi is said in the file");
        let svg = fs::read_to_string(&files[1])?;
        assert!(svg.contains(&format!("width=\"{width_mm}mm\"")));
        assert!(svg.contains("<title>Ratemaps &amp; more</title>") && svg.trim_end().ends_with("</svg>"));
        assert_eq!(svg.matches("<image").count(), count + 1, "one image per unit and the colour bar's");
    }
    let left: Vec<_> = fs::read_dir(folder.path())?.collect::<Result<_, _>>()?;
    assert_eq!(left.len(), 4, "no temporary file is left");
    Ok(())
}

#[test]
fn the_same_input_gives_the_same_bytes() -> Outcome {
    let folder = tempfile::tempdir()?;
    let map = Array2::from_shape_fn((20, 20), |(row, column)| ((row * column) as f64).sin());
    let panels: Vec<_> = (0..30).map(|unit| panel(unit, &map, Some(1.0), unit == 3)).collect();
    let first = draw_autocorrelograms(&sheet(&panels), &folder.path().join("first"))?;
    let second = draw_autocorrelograms(&sheet(&panels), &folder.path().join("second"))?;
    for (first, second) in first.iter().zip(&second) {
        assert!(fs::read(first)? == fs::read(second)?, "{} differs", second.display());
    }
    Ok(())
}

#[test]
fn a_sheet_of_128_noisy_maps_stays_small_as_svg() -> Outcome {
    let folder = tempfile::tempdir()?;
    let noise =
        |seed: usize| Array2::from_shape_fn((50, 50), |(row, column)| ((seed * 2500 + row * 50 + column) as f64 * 12.9898).sin().abs());
    let maps: Vec<_> = (0..128).map(noise).collect();
    let panels: Vec<_> = maps.iter().enumerate().map(|(unit, map)| panel(unit, map, Some(0.1), false)).collect();
    let files = draw_ratemaps(&sheet(&panels), Normalization::PerUnit, &folder.path().join("noise"))?;
    let bytes = fs::metadata(&files[1])?.len();
    assert!(bytes < 3_000_000, "{bytes} bytes");
    Ok(())
}

#[test]
fn maps_without_any_data_and_units_without_a_score_are_drawn() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (nothing, infinite) = (Array2::from_elem((5, 8), f64::NAN), Array2::from_elem((5, 8), f64::INFINITY));
    let panels = [panel(0, &nothing, None, false), panel(1, &nothing, Some(f64::NAN), true), panel(2, &infinite, None, false)];
    let files = draw_ratemaps(&sheet(&panels), Normalization::Shared, &folder.path().join("nan"))?;
    draw_autocorrelograms(&sheet(&panels), &folder.path().join("nan-lags"))?;
    assert_eq!(Picture::read(&files[0])?.at(14.0, 20.0), UNVISITED);
    assert!(fs::read_to_string(&files[1])?.contains("Score undefined"));
    Ok(())
}

#[test]
fn empty_or_mismatched_input_is_an_error_that_says_what() -> Outcome {
    let folder = tempfile::tempdir()?;
    let stem = folder.path().join("none");
    let message = |error: FigureError| error.to_string();
    let none = draw_ratemaps(&sheet(&[]), Normalization::PerUnit, &stem).map_err(message);
    assert_eq!(none, Err("the ratemap sheet has no units to draw: pass at least one unit".to_owned()));
    let (small, large) = (Array2::zeros((2, 2)), Array2::zeros((3, 2)));
    let panels = [panel(0, &small, None, false), panel(5, &large, None, false)];
    let mismatch = draw_autocorrelograms(&sheet(&panels), &stem).map_err(message);
    assert!(mismatch.is_err_and(|text| text.contains("unit 5") && text.contains("3 x 2") && text.contains("2 x 2")));
    let flat = UnitSheet { bin_m: [0.04, 0.0], ..sheet(&panels[..1]) };
    assert!(draw_ratemaps(&flat, Normalization::PerUnit, &stem).map_err(message).is_err_and(|text| text.contains("bin_m = 0")));
    assert!(fs::read_dir(folder.path())?.next().is_none(), "nothing was written");
    Ok(())
}

fn curves<'a>(steps: &'a [u64], values: &'a [f64], phases: &'a [PhaseMark<'a>]) -> TrainingCurves<'a> {
    TrainingCurves {
        title: "Training",
        steps,
        loss_total: values,
        loss_separation: values,
        loss_invariance: values,
        loss_capacity: values,
        loss_conformal: values,
        grad_norm: values,
        learning_rate: values,
        phases,
        weightless: [&[]; 4],
    }
}

#[test]
fn training_curves_take_whatever_was_logged() -> Outcome {
    let folder = tempfile::tempdir()?;
    let steps: Vec<u64> = (0..1000).map(|index| index * 100).collect();
    let phases = [PhaseMark { step: 0, label: "T = 12" }, PhaseMark { step: 50_000, label: "T = 30 < 60" }];
    let falling: Vec<f64> = (0..1000).map(|index| (-0.01 * f64::from(index)).exp()).collect();
    let negative: Vec<f64> = falling.iter().map(|value| -value).collect();
    let mut holes = falling.clone();
    holes[300..400].fill(f64::NAN);
    holes[500] = 0.0;
    holes[501] = f64::INFINITY;
    let cases = [("falling", falling), ("negative", negative), ("holes", holes), ("zeros", vec![0.0; 1000]), ("nan", vec![f64::NAN; 1000])];
    for (name, values) in cases {
        let files = draw_training_curves(&curves(&steps, &values, &phases), &folder.path().join(name))?;
        let svg = fs::read_to_string(&files[1])?;
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name} reaches the drawing");
        assert!(svg.contains("step 50,000: T = 30 &lt; 60") && svg.contains("Step (thousands)"), "{name}");
    }
    let tiny: Vec<f64> = (0..1000).map(|index| 3e-4 - 1e-7 * f64::from(index)).collect();
    let wide: Vec<f64> = (0..1000).map(|index| (-0.02 * f64::from(index)).exp()).collect();
    for (name, values, base) in [("tiny", tiny, ">Loss (10</text>"), ("wide", wide, ">10</text>")] {
        let files = draw_training_curves(&curves(&steps, &values, &phases), &folder.path().join(name))?;
        assert!(fs::read_to_string(&files[1])?.contains(base), "{name} has raised exponents");
    }
    let marked = [PhaseMark { step: 0, label: "σ_x = 0.15 m" }];
    let files = draw_training_curves(&curves(&steps, &vec![0.5; 1000], &marked), &folder.path().join("marked"))?;
    let svg = fs::read_to_string(&files[1])?;
    assert!(svg.contains(">step 0: σ</text>") && svg.contains("> = 0.15 m</text>") && !svg.contains('_'), "an index stands below");
    let (all, some) = ([(0, 100_000)], [(0, 50_000)]);
    let flat = vec![0.5; 1000];
    let logged: Vec<u64> = steps.iter().map(|step| step + 100).collect();
    let weighed = TrainingCurves { weightless: [&[], &all, &some, &[]], ..curves(&logged, &flat, &phases) };
    let svg = fs::read_to_string(&draw_training_curves(&weighed, &folder.path().join("weighed"))?[1])?;
    assert!(
        svg.contains(">Invariance (weight 0)<") && svg.contains(">Capacity<") && svg.contains(">Separation<"),
        "only what never counts"
    );
    assert!(svg.contains("Weight 0: not in the total loss"));
    let grounds: Vec<f64> = svg
        .split("<rect ")
        .filter(|rect| rect.contains("fill=\"#e2e2e2\""))
        .filter_map(|rect| rect.split("width=\"").nth(1)?.split('"').next()?.parse().ok())
        .collect();
    // The third is the key's.
    let [whole, half, _] = grounds[..] else { return Err(format!("{grounds:?}").into()) };
    assert!((half / whole - 0.5).abs() < 0.01, "up to the step where it begins to count: {grounds:?}");
    let svg = fs::read_to_string(folder.path().join("marked.svg"))?;
    assert!(!svg.contains("eight 0"));
    let holes = fs::read_to_string(folder.path().join("holes.svg"))?;
    assert!(holes.contains("1 at 0, 101 undefined"));
    assert!(Picture::read(&folder.path().join("falling.png"))?.pixels().filter(|&pixel| pixel == [0, 114, 178]).count() > 10_000);
    Ok(())
}

#[test]
fn development_takes_whatever_was_found() -> Outcome {
    let folder = tempfile::tempdir()?;
    let phases = [PhaseMark { step: 0, label: "T = 12" }, PhaseMark { step: 4000, label: "T = 30" }];
    for count in [1, 2, 24, 1000] {
        let steps: Vec<u64> = (1..=count).map(|number| 1000 * number).collect();
        let mut values: Vec<f64> = steps.iter().map(|step| (*step as f64).sqrt()).collect();
        values[0] = f64::NAN;
        let whole = vec![1.0; values.len()];
        let input = Development {
            title: "Development of a run, seed 1: 2 m box",
            steps: &steps,
            active_units: &whole,
            grid_units: &values,
            grid_score: &values,
            period_m: &values,
            modules: &whole,
            spatial_coherence: &values,
            decode_error_m: &values,
            phases: &phases,
        };
        let files = draw_development(&input, &folder.path().join(format!("development-{count}")))?;
        common::check(&files)?;
        assert!(fs::read_to_string(&files[1])?.contains("heckpoints</text>"));
        let mismatch = draw_development(&Development { period_m: &[], ..input }, &folder.path().join("bad"));
        assert!(mismatch.is_err_and(|error| error.to_string().contains("Period of size 0")));
        let nothing = draw_development(&Development { steps: &[], ..input }, &folder.path().join("bad"));
        assert!(matches!(nothing, Err(FigureError::Empty { .. })));
    }
    Ok(())
}

#[test]
fn training_curves_check_their_input() -> Outcome {
    let folder = tempfile::tempdir()?;
    let stem = folder.path().join("bad");
    assert!(matches!(draw_training_curves(&curves(&[], &[], &[]), &stem), Err(FigureError::Empty { .. })));
    let mismatch = draw_training_curves(&curves(&[1, 2], &[0.5], &[]), &stem);
    assert!(mismatch.is_err_and(|error| error.to_string().contains("Total loss of size 1, but 2")));
    draw_training_curves(&curves(&[3], &[0.5], &[]), &stem)?;
    Ok(())
}

#[test]
fn an_unwritable_place_is_named_in_the_error() -> Outcome {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file");
    fs::write(&file, b"not a folder")?;
    let map = Array2::zeros((2, 2));
    let panels = [panel(0, &map, None, false)];
    let outcome = draw_ratemaps(&sheet(&panels), Normalization::PerUnit, &file.join("inside"));
    assert!(outcome.is_err_and(|error| error.to_string().contains("inside.png")));
    Ok(())
}
