//! The picture: what each scenario comes to, and what the machine would allow, as SVG.

use std::fmt::{self, Write};

use crate::client::Scenario;
use crate::figures::{group, median_of};
use crate::load::Cell;
use crate::report::{Report, Run};

/// How many clients it is about, if so many were there.
const CLIENTS: u16 = 64;

const WIDTH: f64 = 960.0;
/// Where the bars begin, and how far they may go.
const LEFT: f64 = 150.0;
const RIGHT: f64 = 820.0;
const TOP: f64 = 146.0;
const BAR: f64 = 22.0;
const GAP: f64 = 4.0;
const GROUP_GAP: f64 = 14.0;

/// In the colours of the other pictures; white on them can be read.
const COLOURS: [(&str, &str); 2] = [("SQLite", "#2457a6"), ("PostgreSQL", "#8a5a00")];
const INK: &str = "#1f2430";
const FAINT: &str = "#5b6472";

/// One scenario on one database.
struct Bar {
    scenario: Scenario,
    colour: &'static str,
    rate: f64,
    /// In ms.
    p99: f64,
    limit: Option<f64>,
}

/// The picture and, for those who do not see it, what is on it.
pub(crate) fn draw(report: &Report) -> Result<(String, String), fmt::Error> {
    let clients = clients(report);
    let title = format!("Requests per second with {clients} clients");
    let bars = bars(report, clients);
    let scale = Scale::of(&bars);
    let mut body = String::new();
    let mut y = TOP;
    for scenario in Scenario::ALL {
        let bars: Vec<&Bar> = bars.iter().filter(|bar| bar.scenario == scenario).collect();
        if bars.is_empty() {
            continue;
        }
        let middle = y + (bars.len() as f64 * (BAR + GAP) - GAP) / 2.0 + 5.0;
        let name = scenario.name();
        let text = format!(r#"<text x="24" y="{middle:.0}" font-weight="600">{name}</text>"#);
        writeln!(body, "  {text}")?;
        for bar in bars {
            bar.draw(&mut body, &scale, y)?;
            y += BAR + GAP;
        }
        y += GROUP_GAP;
    }
    let mut out = String::new();
    let height = y + 44.0;
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13.5\" fill=\"{INK}\" role=\"img\" \
         aria-label=\"{title}\">\n  \
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>"
    )?;
    draw_head(&mut out, report, &title)?;
    scale.draw(&mut out, y - GROUP_GAP + 6.0)?;
    writeln!(out, "{body}</svg>")?;
    Ok((out, title))
}

/// The usual number, or the highest that there is.
fn clients(report: &Report) -> u16 {
    let cells = report.runs.iter().flat_map(|run| &run.cells);
    let all: Vec<u16> = cells.map(|cell| cell.clients).collect();
    if all.contains(&CLIENTS) {
        CLIENTS
    } else {
        all.into_iter().max().unwrap_or(CLIENTS)
    }
}

fn bars(report: &Report, clients: u16) -> Vec<Bar> {
    let mut bars = Vec::new();
    for run in &report.runs {
        for scenario in Scenario::ALL {
            if let Some(group) = group(&run.cells, scenario, clients) {
                let colours = COLOURS.iter().find(|(name, _)| *name == run.database);
                bars.push(Bar {
                    scenario,
                    colour: colours.map_or(INK, |(_, colour)| *colour),
                    rate: median_of(&group, Cell::rate),
                    p99: median_of(&group, |cell| cell.percentile(99)),
                    limit: limit(report, run, scenario, clients),
                });
            }
        }
    }
    bars
}

/// What the narrowest of its parts can do that was measured; none, if none was.
fn limit(report: &Report, run: &Run, scenario: Scenario, clients: u16) -> Option<f64> {
    let signatures = report.limit(|it| it.signatures);
    match scenario {
        Scenario::Jwks | Scenario::Discovery => {
            let bare = group(&report.bare, Scenario::Jwks, clients)?;
            Some(median_of(&bare, Cell::rate))
        }
        Scenario::Register | Scenario::Login => Some(report.limit(|it| it.hashes)),
        Scenario::Refresh if run.database == "SQLite" => {
            Some(signatures.min(report.limit(|it| it.updates)))
        }
        Scenario::Refresh => Some(signatures),
        Scenario::Verify | Scenario::User => None,
    }
}

impl Bar {
    fn draw(&self, out: &mut String, scale: &Scale, y: f64) -> fmt::Result {
        let (colour, rate, p99) = (self.colour, grouped(self.rate), self.p99);
        let (width, text) = (scale.x(self.rate) - LEFT, y + BAR / 2.0 + 5.0);
        let p99 = if p99 < 100.0 {
            format!("{p99:.1}")
        } else {
            grouped(p99)
        };
        writeln!(
            out,
            "  <rect x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"3\" \
             fill=\"{colour}\"/>\n  \
             <text x=\"{:.0}\" y=\"{text}\" fill=\"#ffffff\" font-weight=\"600\">{rate}</text>\n  \
             <text x=\"{:.0}\" y=\"{text}\" text-anchor=\"end\">{p99} ms</text>",
            LEFT + 8.0,
            WIDTH - 24.0,
        )?;
        if let Some(limit) = self.limit {
            tick(out, scale.x(limit), y)?;
        }
        Ok(())
    }
}

/// A line with a white rim, so that it can be seen on a bar, too.
fn tick(out: &mut String, x: f64, y: f64) -> fmt::Result {
    let (from, length) = (y - 1.0, BAR + 2.0);
    let path = format!("M{x:.1} {from}v{length}");
    writeln!(
        out,
        "  <path d=\"{path}\" stroke=\"#ffffff\" stroke-width=\"6\"/>\
         <path d=\"{path}\" stroke=\"#c02020\" stroke-width=\"3\"/>"
    )
}

fn draw_head(out: &mut String, report: &Report, title: &str) -> fmt::Result {
    let machine = escaped(report.conditions.machine());
    let commit = escaped(report.conditions.commit());
    let cores = escaped(report.conditions.cores());
    writeln!(
        out,
        "  <text x=\"24\" y=\"30\" font-size=\"18\" font-weight=\"600\">{title}</text>\n  \
         <text x=\"24\" y=\"52\" fill=\"{FAINT}\">{machine}; commit {commit}</text>\n  \
         <text x=\"24\" y=\"70\" fill=\"{FAINT}\">{cores}</text>"
    )?;
    let mut x = LEFT;
    for (name, colour) in COLOURS {
        if report.runs.iter().any(|run| run.database == name) {
            writeln!(
                out,
                "  <rect x=\"{x}\" y=\"90\" width=\"14\" height=\"14\" rx=\"3\" fill=\"{colour}\"/>\
                 <text x=\"{}\" y=\"102\">{name}</text>",
                x + 22.0
            )?;
            x += 120.0;
        }
    }
    tick(out, x + 7.0, 86.0)?;
    writeln!(
        out,
        "  <text x=\"{}\" y=\"102\">limit in the same run: bare answer, hash, signature or grouped commit</text>\n  \
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"{FAINT}\">p99</text>",
        x + 18.0,
        WIDTH - 24.0,
        TOP - 12.0,
    )
}

/// From one power of ten to another.
struct Scale {
    from: i32,
    to: i32,
}

impl Scale {
    fn of(bars: &[Bar]) -> Self {
        let rates = bars.iter().map(|bar| bar.rate.max(1.0));
        let limits = bars.iter().filter_map(|bar| bar.limit);
        let least = rates.clone().chain(limits.clone()).fold(f64::MAX, f64::min);
        let most = rates.chain(limits).fold(1.0, f64::max);
        // The shortest bar has room for its number.
        let from = (0..9)
            .rev()
            .find(|power| 10_f64.powi(*power) * 3.0 <= least);
        let to = (1..10).find(|power| 10_f64.powi(*power) >= most);
        Self {
            from: from.unwrap_or(0),
            to: to.unwrap_or(10),
        }
    }

    fn x(&self, rate: f64) -> f64 {
        let (from, to) = (f64::from(self.from), f64::from(self.to));
        let part = (rate.max(1.0).log10() - from) / (to - from);
        LEFT + part.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    /// The powers of ten, down to `bottom`.
    fn draw(&self, out: &mut String, bottom: f64) -> fmt::Result {
        for power in self.from..=self.to {
            let rate = 10_f64.powi(power);
            let (x, below, text) = (self.x(rate), bottom + 18.0, grouped(rate));
            writeln!(
                out,
                "  <path d=\"M{x:.1} {}V{bottom}\" stroke=\"#d5dae2\"/>\
                 <text x=\"{x:.1}\" y=\"{below}\" text-anchor=\"middle\" fill=\"{FAINT}\">{text}</text>",
                TOP - 8.0
            )?;
        }
        writeln!(
            out,
            "  <text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"{FAINT}\">requests per second, \
             log scale</text>",
            f64::midpoint(LEFT, RIGHT),
            bottom + 36.0
        )
    }
}

/// A number with commas between thousands.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('"', "&quot;")
}
