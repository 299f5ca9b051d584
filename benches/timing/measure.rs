//! Asking, and looking at the clock.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::connection::Connection;
use crate::installation::Installation;
use crate::people::{Class, FREE, People};
use crate::question::{Operation, Pair};
use crate::statistics::Random;

/// Not timed: the first requests find cold caches.
const WARM_UP: usize = 20;

/// The durations in milliseconds of both classes; those of one place followed each other.
pub(crate) type Durations = [Vec<f64>; 2];

/// Which of two answers came first.
#[derive(Clone, Copy, Default)]
pub(crate) struct Race {
    pub(crate) runs: usize,
    pub(crate) first_class_won: usize,
    /// How often it was the request that had been written first, by a few microseconds.
    pub(crate) first_written_won: usize,
}

/// One connection that is kept, and the answers it must bring.
struct Asker {
    connection: Connection,
    operation: Operation,
    /// The one answer to everybody, once there was one.
    answer: Option<Vec<u8>>,
    pause: Duration,
}

/// How many names of each class the measurement of a pair takes.
pub(crate) fn names(pair: &Pair, pairs: usize, limits: bool) -> usize {
    let uses = WARM_UP + pairs * if pair.races { 2 } else { 1 };
    if limits {
        uses.div_ceil(FREE)
    } else {
        100.min(uses)
    }
}

/// Asks about both classes so many times, one right after the other, in random order, over one
/// connection.
pub(crate) async fn interleaved(
    pair: &Pair,
    (pairs, pause): (usize, Duration),
    (installation, both): (&Installation<'_>, &mut [People; 2]),
    random: &mut Random,
) -> Outcome<Durations> {
    let mut asker = Asker::connect(pair, pause, (installation, 1)).await?;
    let mut durations = [Vec::with_capacity(pairs), Vec::with_capacity(pairs)];
    for number in 0..WARM_UP + pairs {
        let first = usize::from(random.coin());
        for which in [first, 1 - first] {
            let duration = asker.ask(&mut both[which], random).await?;
            if number >= WARM_UP {
                durations[which].push(duration.as_secs_f64() * 1e3);
            }
        }
    }
    Ok(durations)
}

/// Asks about both at the same moment, over two connections.
pub(crate) async fn races(
    pair: &Pair,
    (pairs, pause): (usize, Duration),
    (installation, both): (&Installation<'_>, &mut [People; 2]),
    random: &mut Random,
) -> Outcome<Race> {
    let mut one = Asker::connect(pair, pause, (installation, 1)).await?;
    let mut other = Asker::connect(pair, pause, (installation, 2)).await?;
    let mut race = Race::default();
    for _ in 0..pairs {
        // Neither a class's place in the order nor its connection is always the same.
        let (first, swapped) = (usize::from(random.coin()), random.coin());
        let requests = [first, 1 - first].map(|which| {
            let people = &mut both[which];
            let request = pair.operation.request(people, random);
            (request, people.class)
        });
        let (early, late) = if swapped {
            (&mut other, &mut one)
        } else {
            (&mut one, &mut other)
        };
        // The first poll of each writes its request, in this order.
        let (early, late) = tokio::join!(early.answered(&requests[0]), late.answered(&requests[1]));
        let first_written_won = early? < late?;
        race.runs += 1;
        race.first_written_won += usize::from(first_written_won);
        race.first_class_won += usize::from(first_written_won == (first == 0));
        one.rest().await;
    }
    Ok(race)
}

impl Asker {
    async fn connect(
        pair: &Pair,
        pause: Duration,
        (installation, number): (&Installation<'_>, u16),
    ) -> Outcome<Self> {
        Ok(Self {
            connection: Connection::open(installation.address(), number).await?,
            operation: pair.operation,
            answer: None,
            pause,
        })
    }

    /// How long the answer took; for an operation with a probe, how long the probe's took.
    async fn ask(&mut self, people: &mut People, random: &mut Random) -> Outcome<Duration> {
        let request = self.operation.request(people, random);
        let probe = self.operation.probe(random);
        let class = people.class;
        let mut asked = Instant::now();
        let mut answered = self.answered(&(request, class)).await?;
        if let Some(probe) = probe {
            asked = Instant::now();
            answered = self.answered(&(probe, Class::Unknown)).await?;
        }
        self.rest().await;
        Ok(answered - asked)
    }

    /// When the answer was there, which must be that of everybody.
    async fn answered(&mut self, (request, class): &(Vec<u8>, Class)) -> Outcome<Instant> {
        let answer = self.connection.exchange(request).await?;
        let now = Instant::now();
        let is_right = answer.status == self.operation.status(*class);
        let usual = if *class == Class::Malformed {
            answer.body
        } else {
            self.answer.get_or_insert_with(|| answer.body.to_vec())
        };
        if is_right && usual == answer.body {
            return Ok(now);
        }
        let (status, body) = (answer.status, String::from_utf8_lossy(answer.body));
        Err(format!("{class:?} was answered {status}: {body}").into())
    }

    /// Lets the mail leave: what the server does on its own time is measured apart.
    async fn rest(&self) {
        if self.operation.mails() && !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
    }
}
