//! A strict reader of Prometheus' text format 0.0.4: more than the format allows is refused.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use crate::support::Server;

/// One scrape.
pub(super) struct Scrape {
    /// Type by name.
    pub(super) families: BTreeMap<String, String>,
    /// Value by name and labels, as written.
    pub(super) series: BTreeMap<String, f64>,
}

impl Scrape {
    /// What a server tells now.
    #[track_caller]
    pub(super) fn of(server: &Server) -> Self {
        let answer = server.operator().get("/metrics");
        answer.has_status(200);
        assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4");
        Self::parse(&answer.text)
    }

    #[track_caller]
    pub(super) fn parse(text: &str) -> Self {
        let mut scrape = Self {
            families: BTreeMap::new(),
            series: BTreeMap::new(),
        };
        assert!(text.ends_with('\n'), "the last line has no end");
        let mut lines = text.lines().peekable();
        while let Some(help) = lines.next() {
            let (name, meaning) = comment(help, "HELP");
            assert!(!meaning.is_empty(), "{help}");
            let kind = lines.next().expect("a TYPE after a HELP");
            let (same, kind) = comment(kind, "TYPE");
            assert_eq!(same, name);
            assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
            let before = scrape.families.insert(name.to_owned(), kind.to_owned());
            assert_eq!(before, None, "{name} is told of twice");
            let mut samples = 0;
            while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
                scrape.sample(name, kind, line);
                samples += 1;
            }
            assert!(samples > 0, "{name} has no value");
        }
        scrape.histograms();
        scrape
    }

    fn sample(&mut self, name: &str, kind: &str, line: &str) {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let value: f64 = value.parse().expect(line);
        assert!(value.is_finite() && !series.contains(' '), "{line}");
        let (own, labels) = series.split_once('{').unwrap_or((series, "}"));
        let parts: &[&str] = match kind {
            "counter" | "gauge" => &[""],
            "histogram" => &["_bucket", "_sum", "_count"],
            other => panic!("{name} is a {other}"),
        };
        let part = own.strip_prefix(name);
        assert!(part.is_some_and(|part| parts.contains(&part)), "{line}");
        let form = Regex::new(r#"^([a-z_]+="[^"\\\n]*"(,|\}$))*\}?$"#).expect("a pattern");
        assert!(form.is_match(labels), "{line}");
        let label = Regex::new(r#"([a-z_]+)=""#).expect("a pattern");
        let names: Vec<&str> = label
            .captures_iter(labels)
            .map(|found| found.get(1).expect("a name").as_str())
            .collect();
        let unique: BTreeSet<&&str> = names.iter().collect();
        assert_eq!(unique.len(), names.len(), "{line}");
        let before = self.series.insert(series.to_owned(), value);
        assert_eq!(before, None, "twice: {line}");
        assert!(kind != "counter" || value >= 0.0, "{line}");
    }

    /// Buckets grow, and the last one has all.
    fn histograms(&self) {
        let bucket = Regex::new(r#"^(\w+)_bucket\{(.*,)?le="([^"]*)"\}$"#).expect("a pattern");
        let mut buckets: BTreeMap<(String, String), Vec<(f64, f64)>> = BTreeMap::new();
        for (series, count) in &self.series {
            if let Some(found) = bucket.captures(series) {
                let labels = found.get(2).map_or("", |labels| labels.as_str());
                let key = (found[1].to_owned(), labels.trim_end_matches(',').to_owned());
                let bound = match &found[3] {
                    "+Inf" => f64::INFINITY,
                    bound => bound.parse().expect("a bound"),
                };
                buckets.entry(key).or_default().push((bound, *count));
            }
        }
        for ((name, labels), mut buckets) in buckets {
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(
                buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1),
                "{name}: {buckets:?}"
            );
            let (bound, all) = buckets.last().expect("a bucket");
            let labels = match labels.as_str() {
                "" => String::new(),
                labels => format!("{{{labels}}}"),
            };
            assert!(bound.is_infinite(), "{name}: no bucket for all");
            assert_eq!(self.series[&format!("{name}_count{labels}")], *all);
            assert!(self.series.contains_key(&format!("{name}_sum{labels}")));
        }
    }

    /// The sum of a metric's series that have these labels (`name="value"`).
    pub(super) fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let of_name = self.series.iter().filter(|(series, _)| {
            let (own, _) = series.split_once('{').unwrap_or((series, ""));
            own == name && labels.iter().all(|label| series.contains(label))
        });
        of_name.map(|(_, value)| value).sum()
    }

    /// The one value of a metric with these labels.
    #[track_caller]
    pub(super) fn value(&self, name: &str, labels: &[&str]) -> f64 {
        assert!(
            self.families.contains_key(name),
            "there is no {name}: {:?}",
            self.families
        );
        self.sum(name, labels)
    }
}

/// `# WORD name rest`.
#[track_caller]
fn comment<'a>(line: &'a str, word: &str) -> (&'a str, &'a str) {
    let rest = line.strip_prefix("# ");
    let rest = rest.and_then(|rest| rest.strip_prefix(word));
    let rest = rest.and_then(|rest| rest.strip_prefix(' '));
    let pair = rest.and_then(|rest| rest.split_once(' '));
    pair.unwrap_or_else(|| panic!("not a {word}: {line}"))
}

#[test]
fn the_reader_refuses_what_is_wrong() {
    let refused = |text: &'static str| std::panic::catch_unwind(|| Scrape::parse(text)).is_err();
    let head = "# HELP a_total A\n# TYPE a_total counter\n";
    assert!(!refused(concat!(
        "# HELP a_total A\n# TYPE a_total counter\n",
        "a_total{b=\"c\",d=\"e\"} 1\na_total{b=\"d\"} 2\n"
    )));
    assert!(refused(head));
    for wrong in [
        "a_total 1\n",
        "# HELP a_total A\n# TYPE a_total counter\na_total 1",
        "# HELP a_total A\n# TYPE a_total counter\na_total 1\na_total 2\n",
        "# HELP a_total A\n# TYPE a_total counter\nb_total 1\n",
        "# HELP a_total A\n# TYPE a_total counter\na_total -1\n",
        "# HELP a_total A\n# TYPE a_total gauge\na_total 1\n",
        "# HELP a_total A\n# TYPE a_total counter\na_total{b=\"c\",b=\"d\"} 1\n",
        "# HELP a A\n# TYPE a gauge\na 1\n# HELP a A\n# TYPE a gauge\na{b=\"c\"} 1\n",
        "# HELP a A\n# TYPE a gauge\na{b=c} 1\n",
        concat!(
            "# HELP a A\n# TYPE a histogram\na_bucket{le=\"1\"} 2\n",
            "a_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n"
        ),
    ] {
        assert!(refused(wrong), "{wrong}");
    }
}
