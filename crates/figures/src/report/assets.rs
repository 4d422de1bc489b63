//! What is put into pages as it is: scripts, styles, the 3D library.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The parts of three.js that the 3D view uses; made by `assets/three/build`.
pub(super) const THREE: &str = include_str!("assets/three/three.min.js");

/// Its licence.
pub(super) const THREE_LICENSE: &str = include_str!("assets/three/LICENSE");

/// Its version, as in `assets/three/package.json`.
pub(super) const THREE_VERSION: &str = "0.187.0";

/// The styles of all pages.
pub(super) const STYLE: &str = include_str!("assets/style.css");

/// The report's scripts, in the order in which they are read: each uses only what stands before it.
const REPORT: [&str; 16] = [
    include_str!("assets/js/dom.js"),
    include_str!("assets/js/number.js"),
    include_str!("assets/js/theme.js"),
    include_str!("assets/js/sortable.js"),
    include_str!("assets/js/zoom.js"),
    include_str!("assets/js/packed.js"),
    include_str!("assets/js/maps.js"),
    include_str!("assets/js/state.js"),
    include_str!("assets/js/null_plot.js"),
    include_str!("assets/js/unit_table.js"),
    include_str!("assets/js/unit_wall.js"),
    include_str!("assets/js/unit_panel.js"),
    include_str!("assets/js/arena_slider.js"),
    include_str!("assets/js/cloud_renderers.js"),
    include_str!("assets/js/cloud.js"),
    include_str!("assets/js/report.js"),
];

/// The index's scripts.
const INDEX: [&str; 7] = [
    include_str!("assets/js/dom.js"),
    include_str!("assets/js/number.js"),
    include_str!("assets/js/theme.js"),
    include_str!("assets/js/sortable.js"),
    include_str!("assets/js/zoom.js"),
    include_str!("assets/js/run_plot.js"),
    include_str!("assets/js/index.js"),
];

/// The report's script.
pub(super) fn report_script() -> String {
    script(&REPORT)
}

/// The index's script.
pub(super) fn index_script() -> String {
    script(&INDEX)
}

/// One script of several files, none of whose names are seen by others.
fn script(files: &[&str]) -> String {
    format!("(() => {{\n\"use strict\";\n{}}})();\n", files.concat())
}

/// A policy under which only these scripts and the style of all pages run, and nothing is fetched.
pub(super) fn content_security_policy(scripts: &[&str]) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let scripts: Vec<String> = scripts.iter().map(|script| hash(script)).collect();
    let style = hash(STYLE);
    format!("default-src 'none'; script-src {}; style-src {style}; img-src data:; base-uri 'none'; form-action 'none'", scripts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_asset_ends_its_own_element() {
        for text in [THREE, STYLE, &report_script(), &index_script()] {
            let lower = text.to_ascii_lowercase();
            assert!(!lower.contains("</script") && !lower.contains("</style") && !lower.contains("<!--"));
            assert!(!text.contains('\r'), "a browser hashes lines that end in a newline alone");
        }
    }

    #[test]
    fn the_library_is_the_version_that_is_named() {
        let package = include_str!("assets/three/package.json");
        assert!(package.contains(&format!("\"three\": \"{THREE_VERSION}\"")), "{package}");
        assert!(THREE_LICENSE.contains("MIT License"));
    }

    #[test]
    fn scripts_write_texts_only_as_texts() {
        for script in [report_script(), index_script()] {
            for banned in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                "fetch(",
                "XMLHttpRequest",
                "import(",
            ] {
                assert!(!script.contains(banned), "{banned}");
            }
        }
    }
}
