//! One source of settings: its table, and where each key of it was written.

use super::origin::Origin;
use crate::failure::Failure;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

/// Settings of one source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layer {
    pub(crate) table: Table,
    /// By dotted key; elements of arrays of tables by their number.
    origins: BTreeMap<String, Origin>,
}

impl Layer {
    /// Parses TOML text; `origin` makes an [`Origin`] of a 1-based line.
    ///
    /// # Errors
    /// Text that is not TOML: the line, and what was expected there.
    pub(crate) fn parse(text: &str, origin: impl Fn(usize) -> Origin) -> Result<Self, Failure> {
        // Found once: a list of a hundred thousand seeds has as many places.
        let ends: Vec<usize> = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(offset, _)| offset).collect();
        let at = |offset: usize| origin(ends.partition_point(|end| *end < offset) + 1);
        let refuse = |error: &toml::de::Error| {
            let place = at(error.span().map_or(0, |span| span.start));
            Failure::config(format!("{place}: not valid TOML: {}", error.message().replace('\n', ", ")))
        };
        let table: Table = toml::from_str(text).map_err(|error| refuse(&error))?;
        let spanned = DeTable::parse(text).map_err(|error| refuse(&error))?;
        let mut origins = BTreeMap::new();
        locate_table(spanned.get_ref(), "", &mut |key, offset| {
            origins.insert(key, at(offset));
        });
        Ok(Self { table, origins })
    }

    /// The pipeline file at `path`.
    ///
    /// # Errors
    /// A file that cannot be read or is not TOML.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::config(format!("cannot read the pipeline file {}: {error}", path.display()))
                .hint("give the path of a TOML file, such as pipelines/quickstart.toml; `gridlake defaults` prints every key")
        })?;
        let path: Arc<Path> = Arc::from(path);
        Self::parse(&text, |line| Origin::File { path: Arc::clone(&path), line })
    }

    /// One key, from a sweep element or a flag.
    pub(crate) fn single(key: &str, value: Value, origin: &Origin) -> Self {
        let mut layer = Self::default();
        layer.origins.insert(key.to_string(), origin.clone());
        let mut parts = key.split('.').rev();
        let last = parts.next().unwrap_or(key);
        let mut table = Table::new();
        table.insert(last.to_string(), value);
        for part in parts {
            table = Table::from_iter([(part.to_string(), Value::Table(table))]);
        }
        layer.table = table;
        layer
    }

    /// `key=value` of `--set`: the value is TOML, or else a bare string.
    ///
    /// # Errors
    /// No `=`, or an empty key.
    pub(crate) fn from_set(argument: &str) -> Result<Self, Failure> {
        let origin = Origin::Flag(format!("--set {argument}").into());
        let (key, value) = argument
            .split_once('=')
            .map(|(key, value)| (key.trim(), value.trim()))
            .filter(|(key, _)| !key.split('.').any(str::is_empty))
            .ok_or_else(|| Failure::config(format!("{origin}: not of the form key=value")).hint("for example --set train.steps=2000"))?;
        let parsed = toml::from_str::<Table>(&format!("value = {value}")).ok().and_then(|mut table| table.remove("value"));
        Ok(Self::single(key, parsed.unwrap_or_else(|| Value::String(value.to_string())), &origin))
    }

    /// Where `key`, or else something in it, or else the nearest table around it, was written.
    pub(crate) fn origin(&self, key: &str) -> Origin {
        let within = format!("{key}.");
        let mut inner = self.origins.iter().filter(|(other, _)| other.starts_with(&within)).map(|(other, origin)| (other.as_str(), origin));
        if !self.origins.contains_key(key)
            && let Some(first) = inner.next()
        {
            return inner.fold(first, |least, other| if other.0 < least.0 { other } else { least }).1.clone();
        }
        let mut key = key;
        loop {
            if let Some(origin) = self.origins.get(key) {
                return origin.clone();
            }
            match key.rsplit_once('.') {
                Some((parent, _)) => key = parent,
                None => return Origin::Defaults,
            }
        }
    }

    /// Lays `over` on top: tables merge key by key, everything else replaces.
    pub(crate) fn overlay(&mut self, over: &Layer) {
        merge(&mut self.table, &over.table, "", &mut |replaced| {
            let within = format!("{replaced}.");
            self.origins.retain(|key, _| key != replaced && !key.starts_with(&within));
        });
        self.origins.extend(over.origins.iter().map(|(key, origin)| (key.clone(), origin.clone())));
    }

    /// The layer without a table: a sweep's lists may be long, and each of its runs has a copy of the rest.
    pub(crate) fn without(&self, key: &str) -> Self {
        let mut layer = self.clone();
        layer.table.remove(key);
        let within = format!("{key}.");
        layer.origins.retain(|origin, _| origin != key && !origin.starts_with(&within));
        layer
    }

    /// The value at a dotted key.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        lookup(&self.table, key)
    }
}

/// The value at a dotted key of a table.
pub(crate) fn lookup<'t>(table: &'t Table, key: &str) -> Option<&'t Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((head, rest)) => lookup(table.get(head)?.as_table()?, rest),
    }
}

/// `parent.key`, or `key` at the root.
pub(crate) fn join(parent: &str, key: &str) -> String {
    if parent.is_empty() { key.to_string() } else { format!("{parent}.{key}") }
}

fn merge(base: &mut Table, over: &Table, at: &str, replaced: &mut impl FnMut(&str)) {
    for (key, value) in over {
        let path = join(at, key);
        if let (Some(Value::Table(base)), Value::Table(over)) = (base.get_mut(key), value) {
            merge(base, over, &path, replaced);
        } else {
            replaced(&path);
            base.insert(key.clone(), value.clone());
        }
    }
}

/// Calls `found` with each dotted key and the byte offset where it is written.
fn locate_table(table: &DeTable<'_>, at: &str, found: &mut impl FnMut(String, usize)) {
    for (key, value) in table {
        let path = join(at, key.get_ref());
        found(path.clone(), key.span().start);
        locate_value(value.get_ref(), &path, found);
    }
}

fn locate_value(value: &DeValue<'_>, at: &str, found: &mut impl FnMut(String, usize)) {
    match value {
        DeValue::Table(table) => locate_table(table, at, found),
        DeValue::Array(array) => {
            for (number, element) in array.iter().enumerate() {
                let path = join(at, &number.to_string());
                found(path.clone(), element.span().start);
                locate_value(element.get_ref(), &path, found);
            }
        }
        _ => {}
    }
}

/// The dotted key whose value covers a byte offset of TOML text.
pub(crate) fn key_at(text: &str, offset: usize) -> Option<String> {
    let spanned = DeTable::parse(text).ok()?;
    let mut nearest: Option<(usize, String)> = None;
    locate_table(spanned.get_ref(), "", &mut |key, start| {
        if start <= offset && nearest.as_ref().is_none_or(|(best, _)| start >= *best) {
            nearest = Some((start, key));
        }
    });
    nearest.map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Layer {
        let path: Arc<Path> = Arc::from(Path::new("p.toml"));
        Layer::parse(text, |line| Origin::File { path: Arc::clone(&path), line }).unwrap()
    }

    #[test]
    fn origins_are_lines_and_flags() {
        let mut layer = file("name = \"a\"\n\n[train]\nsteps = 5\n[[train.curriculum]]\nuntil = 3\ndata.length = 12\n");
        assert_eq!(layer.origin("train.steps").to_string(), "p.toml:4");
        assert_eq!(layer.origin("train.curriculum.0.data.length").to_string(), "p.toml:7");
        assert_eq!(layer.origin("train.curriculum.0.data.batch").to_string(), "p.toml:7", "the nearest table that is written");
        layer.overlay(&Layer::from_set("train.steps=7").unwrap());
        assert_eq!(layer.origin("train.steps").to_string(), "--set train.steps=7");
        assert_eq!(layer.get("train.steps"), Some(&Value::Integer(7)));
        layer.overlay(&Layer::from_set("train.los.lambda_cap=7").unwrap());
        assert_eq!(layer.origin("train.los").to_string(), "--set train.los.lambda_cap=7", "a table of one key");
        assert_eq!(layer.get("name"), Some(&Value::String("a".to_string())));
    }

    #[test]
    fn a_replaced_array_forgets_its_old_lines() {
        let mut layer = file("[[train.curriculum]]\nuntil = 3\n[[train.curriculum]]\nuntil = 9\n");
        layer.overlay(&file("\n\n[[train.curriculum]]\nuntil = 4\n"));
        assert_eq!(layer.get("train.curriculum").unwrap().as_array().unwrap().len(), 1);
        assert_eq!(layer.origin("train.curriculum.0.until").to_string(), "p.toml:4");
        assert!(!layer.origins.contains_key("train.curriculum.1.until"));
    }

    #[test]
    fn set_takes_toml_values_and_bare_strings() {
        let value = |argument: &str| Layer::from_set(argument).unwrap().get("a.b").unwrap().clone();
        assert_eq!(value("a.b=[1, 2]").as_array().unwrap().len(), 2);
        assert_eq!(value("a.b = 1e-3"), Value::Float(1e-3));
        assert_eq!(value("a.b=cuda:1"), Value::String("cuda:1".to_string()));
        assert_eq!(value("a.b=\"5\""), Value::String("5".to_string()));
        assert!(Layer::from_set("a.b").is_err());
        assert!(Layer::from_set("a..b=1").is_err());
    }
}
