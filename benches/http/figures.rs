//! What becomes of many figures when there is room for one.

use crate::client::Scenario;
use crate::load::Cell;

/// The repeats of one cell.
pub(crate) type Group<'a> = Vec<&'a Cell>;

/// The repeats of each cell together, in the order of their first; scenario by scenario.
pub(crate) fn groups(cells: &[Cell]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group> = Vec::new();
    for cell in cells {
        let same = |other: &Cell| (other.scenario, other.clients) == (cell.scenario, cell.clients);
        match groups.iter_mut().find(|group| same(group[0])) {
            Some(group) => group.push(cell),
            None => groups.push(vec![cell]),
        }
    }
    groups.sort_by_key(|group| Scenario::ALL.iter().position(|it| *it == group[0].scenario));
    groups
}

/// The repeats of one scenario with so many clients; none, if it was left out.
pub(crate) fn group(cells: &[Cell], scenario: Scenario, clients: u16) -> Option<Group<'_>> {
    let mut groups = groups(cells).into_iter();
    groups.find(|group| (group[0].scenario, group[0].clients) == (scenario, clients))
}

/// The median rate with the number of clients that makes it highest; 0, if it was left out.
pub(crate) fn best(cells: &[Cell], scenario: Scenario) -> f64 {
    let groups = groups(cells).into_iter();
    let groups = groups.filter(|group| group[0].scenario == scenario);
    groups
        .map(|group| median_of(&group, Cell::rate))
        .fold(0.0, f64::max)
}

pub(crate) fn median_of(group: &[&Cell], field: impl Fn(&Cell) -> f64) -> f64 {
    median(group.iter().map(|cell| field(cell)))
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

pub(crate) fn mib(kib: f64) -> f64 {
    kib / 1024.0
}
