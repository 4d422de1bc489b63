//! Pages from templates, in which every value is escaped unless it says otherwise.

use askama::Template;

use super::budget::{MAX_REPORT_BYTES, Plan};
use super::{Column, Definition, Report, ReportError, ReportFigure, RunSummary, Sweep, Table, assets, class_counts, payload};

/// What all pages have.
struct Frame {
    policy: String,
    style: &'static str,
    script: String,
}

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage<'a> {
    frame: Frame,
    report: &'a Report,
    notes: Vec<String>,
    classes: Table,
    figures: Vec<FigureView<'a>>,
    definitions: Vec<Definition>,
    three_license: &'static str,
    three_version: &'static str,
    gridlake_version: &'static str,
    data: String,
}

struct FigureView<'a> {
    title: &'a str,
    caption: &'a str,
    address: String,
}

impl<'a> FigureView<'a> {
    fn of(figure: &'a ReportFigure) -> Self {
        Self { title: &figure.title, caption: &figure.caption, address: figure.image.data_url() }
    }
}

#[derive(Template)]
#[template(path = "index.html")]
struct IndexPage<'a> {
    frame: Frame,
    sweep: &'a Sweep,
    runs: Vec<RunRow<'a>>,
    figures: Vec<FigureView<'a>>,
    /// Titles of the figures that are not there.
    left_out: String,
    /// Whether any column has a definition.
    defined: bool,
    gridlake_version: &'static str,
}

struct RunRow<'a> {
    run: &'a RunSummary,
    cells: Vec<(&'a Column, &'a super::Cell)>,
}

/// The report's page within a plan.
pub(super) fn report(report: &Report, plan: &Plan) -> Result<String, ReportError> {
    let script = assets::report_script();
    let policy = assets::content_security_policy(&[&script, assets::THREE]);
    let mut notes = report.notes.clone();
    notes.extend(class_counts::notes(report));
    notes.extend(plan.notes(report));
    let kept = report.figures.iter().enumerate().filter(|(index, _)| !plan.figures_left_out.contains(index));
    let page = ReportPage {
        frame: Frame { policy, style: assets::STYLE, script },
        report,
        notes,
        classes: class_counts::table(report),
        figures: kept.map(|(_, figure)| FigureView::of(figure)).collect(),
        definitions: definitions(report),
        three_license: assets::THREE_LICENSE,
        three_version: assets::THREE_VERSION,
        gridlake_version: env!("CARGO_PKG_VERSION"),
        data: payload::json(report, plan)?,
    };
    render(&page)
}

/// The index's page.
pub(super) fn index(sweep: &Sweep) -> Result<String, ReportError> {
    let script = assets::index_script();
    let policy = assets::content_security_policy(&[&script]);
    let runs = sweep.runs.iter().map(|run| RunRow { run, cells: sweep.columns.iter().zip(&run.cells).collect() }).collect();
    let defined = sweep.columns.iter().any(|column| !column.meaning.is_empty());
    let mut page = IndexPage {
        frame: Frame { policy, style: assets::STYLE, script },
        sweep,
        runs,
        figures: Vec::new(),
        left_out: String::new(),
        defined,
        gridlake_version: env!("CARGO_PKG_VERSION"),
    };
    if sweep.figures.is_empty() {
        return render(&page);
    }
    // Figures as far as they fit beside the rest, each with its title twice.
    let titles: usize = sweep.figures.iter().map(|figure| 1_000 + 6 * figure.title.len()).sum();
    let mut bytes = render(&page)?.len() + titles;
    let mut left_out = Vec::new();
    for figure in &sweep.figures {
        let view = FigureView::of(figure);
        if bytes + view.address.len() <= MAX_REPORT_BYTES {
            bytes += view.address.len();
            page.figures.push(view);
        } else {
            left_out.push(figure.title.as_str());
        }
    }
    page.left_out = left_out.join(", ");
    render(&page)
}

fn render(page: &impl Template) -> Result<String, ReportError> {
    page.render().map_err(|error| ReportError::Render { message: error.to_string() })
}

/// The report's own definitions, then those of scores, measures and columns, each term once.
fn definitions(report: &Report) -> Vec<Definition> {
    let scores = report.scores.iter().map(|score| ("", &score.column));
    let measures = report.measures.iter().map(|measure| ("", &measure.column));
    let tables = [&report.modules].into_iter().chain(&report.tables).filter(|table| !table.rows.is_empty());
    let columns = tables.flat_map(|table| table.columns.iter().map(|column| (table.title.as_str(), column)));
    let mut all = report.definitions.clone();
    for (table, column) in scores.chain(measures).chain(columns).filter(|(_, column)| !column.meaning.is_empty()) {
        let place = if table.is_empty() { String::new() } else { format!("{table}: ") };
        let unit = if column.unit.is_empty() { String::new() } else { format!(" ({})", column.unit) };
        let one = Definition { term: format!("{place}{}{unit}", column.name), meaning: column.meaning.clone() };
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}
