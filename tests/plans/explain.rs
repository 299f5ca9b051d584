//! How a database would find the rows of a statement, if there were very many.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use regex::Regex;

/// A connection of our own.
pub(crate) enum Explainer {
    Sqlite(SqliteConnection),
    Postgresql(PgConnection),
}

#[derive(QueryableByName)]
struct SqliteStep {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct PostgresqlStep {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    detail: String,
}

impl Explainer {
    pub(crate) fn connect(url: &str) -> Self {
        if let Some(path) = url.strip_prefix("sqlite://") {
            return Self::Sqlite(SqliteConnection::establish(path).expect("the database"));
        }
        let mut conn = PgConnection::establish(url).expect("the database");
        // Of a small table it would read everything; and the values are not known here.
        conn.batch_execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
            .expect("settings");
        Self::Postgresql(conn)
    }

    /// The steps, one a line.
    pub(crate) fn plan(&mut self, text: &str) -> Vec<String> {
        match self {
            Self::Sqlite(conn) => {
                let explain = diesel::sql_query(format!("EXPLAIN QUERY PLAN {text}"));
                let steps: Vec<SqliteStep> = explain.load(conn).expect(text);
                steps.into_iter().map(|step| step.detail).collect()
            }
            Self::Postgresql(conn) => {
                let nothing = vec!["NULL"; parameters(text)].join(", ");
                let values = Some(format!("({nothing})")).filter(|_| !nothing.is_empty());
                // The server says of which types these are; here they have none.
                let arrays = Regex::new(r"unnest\((\$\d+), (\$\d+), (\$\d+)\)").expect("a pattern");
                let typed = "unnest($1::text[], $2::text[], $3::bigint[])";
                let typed = arrays.replace(text, typed);
                conn.batch_execute(&format!("PREPARE it AS {typed}"))
                    .expect(text);
                let values = values.unwrap_or_default();
                let explain = diesel::sql_query(format!("EXPLAIN EXECUTE it {values}"));
                let steps: Vec<PostgresqlStep> = explain.load(conn).expect(text);
                conn.batch_execute("DEALLOCATE it")
                    .expect("it was prepared");
                steps.into_iter().map(|step| step.detail).collect()
            }
        }
    }
}

/// The highest number of a parameter: `$3` is the third.
fn parameters(text: &str) -> usize {
    let numbers = text.split('$').skip(1).filter_map(|rest| {
        let end = rest.find(|sign: char| !sign.is_ascii_digit());
        rest.get(..end.unwrap_or(rest.len()))?.parse().ok()
    });
    numbers.max().unwrap_or_default()
}

/// Whether one of the tables is read from one end to the other. The first few rows in the order of
/// a key are not all; where they have to be sorted first, they are.
pub(crate) fn goes_through_one_of(tables: &[&str], text: &str, plan: &[String]) -> bool {
    let sorts = plan
        .iter()
        .any(|step| step.contains("FOR ORDER BY") || step.contains("Sort"));
    let is_first_few = text.contains(" LIMIT ") && !sorts;
    tables.iter().any(|table| {
        let (scan, seq_scan) = (format!("SCAN {table}"), format!("Seq Scan on {table} "));
        let whole_index = format!(" on {table} ");
        plan.iter().enumerate().any(|(number, step)| {
            let next = plan.get(number + 1).map_or("", String::as_str);
            let is_whole_index = step.contains(" using ")
                && step.contains(&whole_index)
                && !next.contains("Index Cond:");
            let is_whole = step.starts_with(&scan) || is_whole_index;
            step.contains(&seq_scan) || (is_whole && !is_first_few)
        })
    })
}
