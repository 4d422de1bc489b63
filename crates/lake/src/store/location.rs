//! Where a lake is: a folder, or a prefix of a bucket.

use crate::error::LakeError;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The address of a lake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder of this machine.
    Folder(PathBuf),
    /// `s3://<bucket>/<prefix>`.
    Bucket {
        /// Name of the bucket.
        bucket: String,
        /// What the names of all objects start with, without `/` at its ends; empty for the whole bucket.
        prefix: String,
    },
}

impl FromStr for Location {
    type Err = LakeError;

    /// # Errors
    /// Nothing; a scheme other than `s3`; a bucket without a name; a prefix with empty, `.` or `..` parts.
    fn from_str(text: &str) -> Result<Self, LakeError> {
        let refuse = |reason: &'static str| Err(LakeError::Location { text: text.to_owned(), reason });
        let Some((scheme, rest)) = text.split_once("://") else {
            return if text.is_empty() { refuse("names nothing") } else { Ok(Location::Folder(PathBuf::from(text))) };
        };
        if scheme != "s3" {
            return refuse("has an unknown scheme");
        }
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        if bucket.len() < 3 || !bucket.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) {
            return refuse("names no bucket");
        }
        let strange = |part: &str| matches!(part, "" | "." | "..") || part.chars().any(|c| c.is_control() || c == '\\');
        if !prefix.is_empty() && prefix.split('/').any(strange) {
            return refuse("has a prefix with an empty part, `.`, `..` or control characters");
        }
        Ok(Location::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Folder(path) => write!(formatter, "{}", path.display()),
            Location::Bucket { bucket, prefix } if prefix.is_empty() => write!(formatter, "s3://{bucket}"),
            Location::Bucket { bucket, prefix } => write!(formatter, "s3://{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_buckets_are_told_apart() {
        for text in ["data/lake", "/x", "s3:/x", "s3://bucket", "s3://bucket/a/b"] {
            assert_eq!(text.parse::<Location>().unwrap().to_string(), text);
        }
        let slash: Location = "s3://bucket/a/".parse().unwrap();
        assert_eq!(slash, Location::Bucket { bucket: "bucket".into(), prefix: "a".into() });
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "gs://bucket", "s3://", "s3:///x", "s3://b", "s3://bucket//x", "s3://bucket/../x", "s3://bucket/a/./b", "s3://b?c/x"]
        {
            assert!(matches!(text.parse::<Location>(), Err(LakeError::Location { .. })), "{text}");
        }
    }
}
