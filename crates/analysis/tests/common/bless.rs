//! Measured numbers go to `docs/validation.md` when the environment says so.

/// Whether samples are to be large, and the page to be written.
pub(crate) fn large() -> bool {
    std::env::var_os("GRIDLAKE_BLESS").is_some()
}

/// One test at a time writes to the page.
static PAGE: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// Puts a table's rows between its marks in `docs/validation.md`.
pub(crate) fn bless(table: &str, rows: &str) {
    if !large() {
        return;
    }
    let _guard = PAGE.lock();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/validation.md");
    let page = std::fs::read_to_string(&path).expect("docs/validation.md is there");
    let (start, end) = (format!("<!-- {table} -->\n"), "<!-- end -->");
    let (before, rest) = page.split_once(&start).expect("the table has its mark");
    let (old, after) = rest.split_once(end).expect("the table has its end");
    let header: String = old.lines().take(2).fold(String::new(), |header, line| header + line + "\n");
    std::fs::write(&path, format!("{before}{start}{header}{rows}{end}{after}")).expect("docs/validation.md can be written");
}
