//! `[sweep]`: one pipeline, many runs.

use super::layer::{Layer, join};
use super::origin::Origin;
use crate::failure::Failure;
use gridlake_lake::name::check_name;
use toml::{Table, Value};

/// One element of a sweep: what it sets, and the name it adds to the run's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Element {
    pub(crate) variant: Option<String>,
    pub(crate) settings: Vec<Layer>,
    /// Elements of the same number differ in nothing but their seed, which is then the last of their settings.
    pub(crate) but_for_seed: usize,
}

/// Every element in the order of the file: variants, then the grid (last key fastest), then seeds.
///
/// A key that `fixed` (the flags) sets leaves the grid; a fixed `seed` replaces the list of seeds.
///
/// # Errors
/// Seeds that are not integers from 0.
pub(crate) fn expand(base: &Layer, fixed: &Layer) -> Result<Vec<Element>, Failure> {
    let mut elements = vec![Element::default()];
    if let Some(Value::Table(variants)) = base.get("sweep.variants").filter(|table| table.as_table().is_some_and(|table| !table.is_empty()))
    {
        elements = variants.iter().map(|(name, settings)| variant(base, name, settings)).collect::<Result<_, _>>()?;
    }
    if let Some(Value::Table(grid)) = base.get("sweep.grid") {
        for (key, values) in flatten(grid).into_iter().filter(|(key, _)| fixed.get(key).is_none()) {
            let origin = base.origin(&format!("sweep.grid.{key}"));
            let values = values.as_array().map(Vec::as_slice).unwrap_or_default();
            elements = elements.iter().flat_map(|element| values.iter().map(|value| element.with(&key, value, &origin))).collect();
        }
    }
    for (number, element) in elements.iter_mut().enumerate() {
        element.but_for_seed = number;
    }
    let seeds = base.get("sweep.seeds").and_then(Value::as_array).filter(|seeds| !seeds.is_empty() && fixed.get("seed").is_none());
    if let Some(seeds) = seeds {
        let origin = base.origin("sweep.seeds");
        let seeded = |element: &Element, seed: &Value| {
            let mut element = element.clone();
            element.settings.push(Layer::single("seed", seed.clone(), &origin));
            element
        };
        elements = elements.iter().flat_map(|element| seeds.iter().map(|seed| seeded(element, seed))).collect();
    }
    Ok(elements)
}

impl Element {
    /// This element with one more key of the grid.
    fn with(&self, key: &str, value: &Value, origin: &Origin) -> Self {
        let mut element = self.clone();
        element.settings.push(Layer::single(key, value.clone(), origin));
        let label = format!("{}-{}", key.rsplit('.').next().unwrap_or(key), label(value));
        element.variant = Some(self.variant.as_ref().map_or_else(|| label.clone(), |variant| format!("{variant}-{label}")));
        element
    }
}

fn variant(base: &Layer, name: &str, settings: &Value) -> Result<Element, Failure> {
    let at = format!("sweep.variants.{name}");
    check_name(name).map_err(|message| Failure::config(format!("{}: the variant's name {message}", base.origin(&at))))?;
    let settings = settings.as_table().map(flatten).unwrap_or_default();
    let settings =
        settings.into_iter().map(|(key, value)| Layer::single(&key, value.clone(), &base.origin(&format!("{at}.{key}")))).collect();
    Ok(Element { variant: Some(name.to_string()), settings, but_for_seed: 0 })
}

/// A value as part of a folder's name.
fn label(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
    text.chars().filter(|c| !c.is_whitespace()).map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect()
}

/// Dotted keys of a table, written as quoted dotted keys, bare dotted keys or nested tables alike.
pub(crate) fn flatten(table: &Table) -> Vec<(String, &Value)> {
    fn walk<'t>(table: &'t Table, at: &str, found: &mut Vec<(String, &'t Value)>) {
        for (key, value) in table {
            let path = join(at, key);
            match value {
                Value::Table(inner) if !inner.is_empty() => walk(inner, &path, found),
                _ => found.push((path, value)),
            }
        }
    }
    let mut found = Vec::new();
    walk(table, "", &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, fixed: &str) -> Vec<String> {
        let base = Layer::parse(text, |_| Origin::Defaults).unwrap();
        let fixed = Layer::parse(fixed, |_| Origin::Defaults).unwrap();
        let seed = |element: &Element| {
            element.settings.iter().find_map(|layer| layer.get("seed")).map_or(String::new(), |seed| format!("/{seed}"))
        };
        expand(&base, &fixed)
            .unwrap()
            .iter()
            .map(|element| format!("{}{}", element.variant.clone().unwrap_or_default(), seed(element)))
            .collect()
    }

    const SWEEP: &str = "[sweep]\nseeds = [1, 2]\ngrid.'train.loss.lambda_cap' = [0.0, 0.5]\n[sweep.variants.small]\ntrain.model.units = 8\n[sweep.variants.large]\n'train.model.units' = 16\n";

    #[test]
    fn a_sweep_is_the_product_of_its_axes() {
        let expected = [
            "small-lambda_cap-0.0/1",
            "small-lambda_cap-0.0/2",
            "small-lambda_cap-0.5/1",
            "small-lambda_cap-0.5/2",
            "large-lambda_cap-0.0/1",
            "large-lambda_cap-0.0/2",
            "large-lambda_cap-0.5/1",
            "large-lambda_cap-0.5/2",
        ];
        assert_eq!(names(SWEEP, ""), expected);
        assert_eq!(names("seed = 4", ""), [""]);
    }

    #[test]
    fn flags_fix_an_axis() {
        assert_eq!(
            names(SWEEP, "seed = 9"),
            ["small-lambda_cap-0.0", "small-lambda_cap-0.5", "large-lambda_cap-0.0", "large-lambda_cap-0.5"]
        );
        assert_eq!(names(SWEEP, "seed = 9\n[train.loss]\nlambda_cap = 1.0"), ["small", "large"]);
    }

    #[test]
    fn both_ways_to_write_a_variant_set_the_same_key() {
        let base = Layer::parse(SWEEP, |_| Origin::Defaults).unwrap();
        let units = |element: &Element| element.settings[0].get("train.model.units").and_then(Value::as_integer);
        let elements = expand(&base, &Layer::default()).unwrap();
        assert_eq!((units(&elements[0]), units(&elements[7])), (Some(8), Some(16)));
    }
    /// What is made once for all seeds is what each would have been made of alone.
    #[test]
    fn runs_of_many_seeds_are_what_each_is_alone() {
        use crate::pipeline::{Overrides, resolve};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.toml");
        std::fs::write(&path, format!("{SWEEP}[train]\nsteps = 7\n").replace("[1, 2]", "[1, 2, 30]")).unwrap();
        let told = |run: &crate::pipeline::Run| format!("{} {:?} {:?} {}", run.name, run.variant, run.settings, run.fingerprint);
        let all = resolve(&path, &Overrides::default()).unwrap().runs;
        assert_eq!(all.len(), 12);
        for run in &all {
            let alone = Overrides { seed: Some(run.settings.seed), only: Some(run.name.clone()), ..Overrides::default() };
            let alone = resolve(&path, &alone).unwrap().runs;
            assert_eq!(alone.iter().map(told).collect::<Vec<_>>(), [told(run)]);
            assert_eq!(told(&run.freeze().unwrap().thaw().unwrap()), told(run), "and what another process makes of it");
        }
        std::fs::write(&path, SWEEP.replace("[1, 2]", "[1, -2]")).unwrap();
        let refused = resolve(&path, &Overrides::default()).unwrap_err().to_string();
        assert!(refused.contains("seed"), "{refused}");
    }
}
