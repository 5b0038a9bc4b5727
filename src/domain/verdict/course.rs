//! What became of one indicator after a write: its course against the trend that it had before.
//!
//! Two points cannot tell. Usual queries average over five minutes, so that after a cure a value falls for five minutes,
//! and after a harm it rises as slowly; what was under way before the write is not its doing. So the trend of the last
//! minutes before the write is drawn on, and what came is held against it, with noise taken from the indicator's past.

use super::series::{Point, Series, median, slope, stray};

/// The trend before the write is read from as much as this.
const BEFORE: f64 = 300.0;
/// Shorter spans of it.
const MIDDLE: f64 = 190.0;
const SHORT: f64 = 125.0;
/// The level of now is the median of the values of this long.
const RECENT: f64 = 90.0;
/// No value for this long is no data.
const SILENT: f64 = 150.0;
/// A trend that changed this long before the write, or earlier, changed without it: scrapes and clocks are no more exact.
const TOLERANCE: f64 = 45.0;
/// Standard deviations from which on something is no noise. The indicator is looked at many times.
const SURE: f64 = 4.0;
/// The same for what is only waited for.
const LIKELY: f64 = 3.0;

/// A share of its level by which something has to rise to be no recovery any more.
const AGAIN: f64 = 0.08;
/// For so long a recovery has gone its way before its pace is known.
const STEADY: f64 = 60.0;
/// So many times its pace makes it another recovery.
const FASTER: f64 = 1.6;

/// So many values say what is ordinary.
const ENOUGH: usize = 20;
/// So many times what is ordinary is no swing.
const RAISED: f64 = 4.0;
/// A share of its limit below which nothing is worth a verdict.
const WORTH: f64 = 0.25;

/// A share of its limit from which on an indicator in order counts as raised.
const NEAR: f64 = 0.75;

/// Where values are bad; higher is worse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    pub warning: Option<f64>,
    pub critical: Option<f64>,
}

/// How long ago things happened, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// The answer to the write.
    pub since_write: f64,
    /// The end of what it started; none while that is under way.
    pub since_effect: Option<f64>,
    /// For so long before the write a recovery had gone its way that something else had begun.
    pub recovering_for: Option<f64>,
}

/// One indicator since a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// It got better, more than its trend before the write explains, and far enough to say so.
    Better,
    /// It is on its way to the better since the write, or stopped getting worse.
    Turning,
    /// It was getting better before the write, and went on.
    Recovering,
    /// It was getting better before the write, and it is not clear whether it goes on.
    Unclear,
    /// No change of its trend that stands out.
    Same,
    /// It got worse, more than its trend before the write explains, or stopped getting better.
    Worse,
    NoData,
}

/// What is known of one indicator.
#[expect(clippy::struct_excessive_bools, reason = "each is a finding of its own")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub course: Course,
    /// Whether it got some of the way, and no noise did that: it counts when no more time is given.
    pub is_somewhat_better: bool,
    /// Whether it was in order at the write and is not now.
    pub went_bad: bool,
    /// Whether it was getting better before the write, and does no longer: what it is worse by.
    pub is_stopped: bool,
    /// Whether it moves to the worse, without it being sure yet.
    pub is_worsening: bool,
    /// Whether it was never beyond a limit from the write on.
    pub is_in_order: bool,
    /// Whether it was getting better before the write, and does so much faster since.
    pub is_faster: bool,
}

impl Look {
    pub const NO_DATA: Self = Self {
        course: Course::NoData,
        is_somewhat_better: false,
        went_bad: false,
        is_stopped: false,
        is_worsening: false,
        is_in_order: false,
        is_faster: false,
    };
}

impl Limits {
    fn level(self, value: f64) -> u8 {
        let beyond = |limit: Option<f64>| limit.is_some_and(|limit| value > limit);
        if beyond(self.critical) { 2 } else { u8::from(beyond(self.warning)) }
    }

    /// Whether a value is not far below the first of its limits, or beyond it.
    pub(super) fn is_near(self, value: f64) -> bool {
        self.warning.or(self.critical).is_some_and(|limit| value > limit - (1.0 - NEAR) * limit.abs())
    }
}

/// What `series` did since the write, as of `moment`.
pub fn look(series: &Series, limits: Limits, moment: Moment) -> Look {
    Reading::new(series, limits, moment).map_or(Look::NO_DATA, |reading| Look {
        course: reading.course(),
        is_somewhat_better: reading.is_somewhat_better(),
        went_bad: reading.went_bad(),
        is_stopped: reading.recovery_stopped() && !reading.got_worse(),
        is_worsening: reading.is_worsening(),
        is_in_order: limits.level(reading.peak) == 0,
        is_faster: reading.is_faster(),
    })
}

struct Reading<'a> {
    series: &'a Series,
    limits: Limits,
    moment: Moment,
    /// Time of the last value.
    now: f64,
    /// Level at the write, and lately.
    before: f64,
    level: f64,
    /// Time that `level` speaks of.
    at: f64,
    /// Highest level since the write.
    peak: f64,
    /// Standard deviations: of one value, of swings over minutes, of `level - before`.
    noise: f64,
    slow: f64,
    stray: f64,
    /// Per second, of the trend before the write where it is no noise: to the better and to the worse, not negative.
    recovery: f64,
    decline: f64,
    /// As `recovery`, of one that lasted for minutes.
    lasting: f64,
}

impl<'a> Reading<'a> {
    fn new(series: &'a Series, limits: Limits, moment: Moment) -> Option<Self> {
        let now = series.last()?.at;
        if moment.since_write - now > SILENT {
            return None;
        }
        let earlier = series.between(-BEFORE, 0.0);
        let recent = series.between((now - RECENT).max(0.0), now);
        if earlier.last()?.at < -SILENT || recent.is_empty() {
            return None;
        }
        // The few values before the write, moved along their trend to the moment of it.
        let rough = median(values(&earlier[earlier.len().saturating_sub(4)..]))?;
        let noise = series.noise(0.0, rough);
        let swing = series.noise_of_medians(0.0, rough, 3);
        let slow = series.noise_of_medians(0.0, rough, 6);
        let found = Spans::new(series, noise, swing, rough);
        let (fall, decline) = (-found.least(), found.most());
        let drift = found.short;
        let last = &earlier[earlier.len().saturating_sub(4)..];
        let before = median(last.iter().map(|point| point.value - drift * point.at).collect())?;
        let level = median(values(recent))?;
        let at = median(recent.iter().map(|point| point.at).collect())?;
        let after = series.between(0.0, now);
        let peak = after.windows(2).filter_map(|pair| median(values(pair))).fold(before.max(level), f64::max);
        let stray = series.noise_of_medians(0.0, before, recent.len().min(last.len()).min(3));
        // What had turned to the worse again before the write was no recovery any more.
        let shortly = values(series.between(-SHORT, 0.0));
        let lowest = shortly.iter().copied().fold(f64::INFINITY, f64::min);
        let rose_again = shortly.last().is_some_and(|last| last - lowest >= (SURE * noise).max(AGAIN * before.abs()));
        let (recovery, lasting) = if rose_again { (0.0, 0.0) } else { (fall, -found.lasting()) };
        Some(Self { series, limits, moment, now, before, level, at, peak, noise, slow, stray, recovery, decline, lasting })
    }

    fn course(&self) -> Course {
        if self.recovery_stopped() || self.got_worse() {
            return Course::Worse;
        }
        if self.is_better() {
            let is_another = self.is_faster() || !(self.is_by_itself(-1.0) || self.was_recovering());
            return if is_another { Course::Better } else { Course::Recovering };
        }
        let has_gained = self.gain() >= (0.1 * self.size()).max(LIKELY * self.stray);
        if has_gained && self.was_recovering() {
            // One that stands still may yet turn to the worse.
            let goes_on = self.lately() < -0.3 * self.recovery || self.limits.level(self.level) == 0;
            return if goes_on { Course::Recovering } else { Course::Unclear };
        }
        if self.is_turning() {
            return Course::Turning;
        }
        let is_open = self.recovery > 0.0 && self.limits.level(self.level) > 0;
        if is_open { Course::Unclear } else { Course::Same }
    }

    fn gain(&self) -> f64 {
        self.before - self.level
    }

    fn size(&self) -> f64 {
        self.before.abs()
    }

    /// What the recovery before the write would have brought by itself; at most all of it.
    fn expected_gain(&self) -> f64 {
        (self.recovery * self.at).min(self.size())
    }

    /// Under its limit again by a tenth or more, or by half, and no noise. What was a little below its limit has to lose half.
    fn is_better(&self) -> bool {
        let highest = self.before.max(self.peak);
        let was_bad = self.limits.level(highest);
        let share = if self.size() > 0.0 { self.gain() / self.size() } else { 0.0 };
        let is_enough = share >= 0.5 || (share >= 0.1 && self.limits.level(self.level) < was_bad);
        (self.limits.is_near(highest) || self.is_raised(highest)) && is_enough && self.gain() >= SURE * self.stray
    }

    /// Whether a value is within its limits, and far above what was ordinary half an hour ago: an alert may have a limit of its own.
    fn is_raised(&self, value: f64) -> bool {
        let mut before: Vec<f64> = values(self.series.between(f64::NEG_INFINITY, 0.0));
        before.sort_by(f64::total_cmp);
        let Some(ordinary) = before.get(before.len() / 4).copied().filter(|_| before.len() >= ENOUGH) else { return false };
        let limit = self.limits.warning.or(self.limits.critical).unwrap_or(f64::INFINITY);
        limit > 0.0 && value >= RAISED * ordinary.max(0.0) && value >= WORTH * limit
    }

    /// Some of the way, and no noise: said when time is over. What rose and falls steadily has come that way against what it would be.
    fn is_somewhat_better(&self) -> bool {
        if self.limits.level(self.peak) > 0 && self.decline > 0.0 && self.falls_steadily() {
            let spared = self.gain() + self.decline * self.at;
            return self.gain() > 0.0 && spared >= (0.2 * self.size()).max(SURE * self.stray);
        }
        self.limits.level(self.before.max(self.peak)) > 0 && self.gain() >= (0.2 * self.size()).max(SURE * self.stray)
    }

    /// A recovery that the write did not begin, and that did not become another by it.
    fn was_recovering(&self) -> bool {
        self.recovery > 0.0 && self.gain() < (3.0 * self.expected_gain()).max(self.stray)
    }

    /// A recovery that something else had begun, and that goes on at once at another pace: a queue that more pods drain. An average over
    /// minutes falls at one pace once its cure is whole.
    fn is_faster(&self) -> bool {
        let Some(recovering_for) = self.moment.recovering_for.filter(|recovering| *recovering >= STEADY) else { return false };
        let effect = self.now.min(self.moment.since_write) - self.moment.since_effect.unwrap_or_default();
        let before = self.series.between(-recovering_for.min(SHORT) - 15.0, 0.0);
        let after = self.series.between((effect - 15.0).max(-15.0), self.now);
        let (Some(was), Some(is)) = (slope(before).filter(|_| before.len() > 2), slope(after).filter(|_| after.len() > 2)) else { return false };
        let more = (was - is) * (self.now - after[0].at);
        was < 0.0 && is <= FASTER * was && more >= SURE * self.stray && more >= 0.1 * self.size()
    }

    /// Whether it was on its way to the better (`sign` -1) or the worse (1) before the write already: some of the way was
    /// gone at the write, and its line, drawn back, meets the level that it came from before it.
    fn is_by_itself(&self, sign: f64) -> bool {
        let earlier = self.series.between(-TOLERANCE - 120.0, -TOLERANCE);
        let from = median(values(earlier)).unwrap_or(self.before);
        let until = self.series.between(-BEFORE, 0.0);
        let gone = median(values(&until[until.len().saturating_sub(2)..])).unwrap_or(from) - from;
        gone * sign >= 0.5 * self.stray && self.beginning(from, sign).is_some_and(|at| at < -TOLERANCE)
    }

    /// When the way from a level began, by its first two thirds: its end is flatter, and says nothing of its beginning.
    fn beginning(&self, from: f64, sign: f64) -> Option<f64> {
        let after = self.series.between(0.0, self.now);
        let far = after.iter().map(|point| (point.value - from) * sign).fold(0.0, f64::max);
        let share = |point: &Point| (point.value - from) * sign / far;
        let end = after.iter().position(|point| share(point) > 0.65).map_or(after.len(), |index| index + 1);
        let way: Vec<Point> = after[..end].iter().copied().filter(|point| share(point) > 0.1).collect();
        let slope = slope(&way)?;
        let (at, value) = (median(way.iter().map(|point| point.at).collect())?, median(values(&way))?);
        (slope * sign > 0.0).then(|| at - (value - from) / slope)
    }

    /// How far it is below its highest since the write. What still rises is at its highest, though its level lags behind.
    fn fell(&self) -> f64 {
        let after = self.series.between(0.0, self.now);
        let latest = median(values(&after[after.len().saturating_sub(2)..])).unwrap_or(self.level);
        self.peak - self.level.max(latest)
    }

    /// It falls from its highest, or no longer rises as it did.
    fn is_turning(&self) -> bool {
        let highest = self.before.max(self.peak);
        if !(self.limits.is_near(highest) || self.is_raised(highest)) || self.was_recovering() {
            return false;
        }
        let fell = self.fell();
        let is_no_noise = fell >= LIKELY * self.stray || self.falls_steadily();
        let falls = fell >= 0.1 * self.peak.abs() && is_no_noise && !self.is_by_itself(-1.0);
        let would_rise = self.decline * self.at;
        let halted = self.decline > 0.0 && would_rise >= LIKELY * self.stray && self.lately() < 0.3 * self.decline;
        falls || halted
    }

    /// Whether all values since the write together fall more than noise does.
    fn falls_steadily(&self) -> bool {
        let after = self.series.between(0.0, self.now);
        let way = slope(after).map_or(0.0, |slope| -slope * (self.now - after[0].at));
        way >= LIKELY * stray(self.noise, after.len()) && way >= LIKELY * self.slow
    }

    /// Its slope over the last two minutes, per second.
    fn lately(&self) -> f64 {
        slope(self.series.between((self.now - 120.0).max(-30.0), self.now)).unwrap_or(0.0)
    }

    fn rose(&self) -> bool {
        let loss = -self.gain();
        self.limits.level(self.level) > 0 && loss > 0.0 && loss >= (0.25 * self.size()).max(SURE * self.stray)
    }

    fn went_bad(&self) -> bool {
        self.limits.level(self.before) == 0 && self.rose()
    }

    fn is_worsening(&self) -> bool {
        let loss = -self.gain();
        loss >= LIKELY * self.stray && loss >= 0.1 * self.size() && self.lately() > 0.0
    }

    /// It rose by a quarter or more, is beyond a limit, and rose so only since the write.
    fn got_worse(&self) -> bool {
        let falls_again = self.fell() >= (0.1 * self.peak.abs()).max(LIKELY * self.stray);
        self.rose() && !falls_again && -self.gain() >= 2.0 * self.decline * self.at && !self.is_by_itself(1.0)
    }

    /// It was getting better, is bad still, and no longer gets better since the write took effect.
    fn recovery_stopped(&self) -> bool {
        let effect = self.moment.since_write - self.moment.since_effect.unwrap_or(self.moment.since_write);
        let span = self.now - effect;
        if self.lasting <= 0.0 || span < 120.0 || self.limits.level(self.level) == 0 {
            return false;
        }
        let after = self.series.between((effect - 15.0).max(-30.0), self.now);
        let Some(start) = after.first() else { return false };
        let wanted = (self.lasting * (self.at - start.at).min(150.0)).min(start.value.abs());
        // One that goes on for a while and stops then was stopped by something else.
        let soon: Vec<Point> = after.iter().copied().filter(|point| point.at <= start.at + 105.0).collect();
        let began_at_once = slope(&soon).is_none_or(|slope| slope > -0.5 * self.lasting);
        wanted >= (0.15 * start.value.abs()).max(SURE * self.stray) && start.value - self.level <= 0.3 * wanted && began_at_once
    }
}

/// The trend of the last minutes before the write, per second; zero where it may be noise. One that began a minute before
/// is not seen in five minutes, and one that is slow not in two.
struct Spans {
    short: f64,
    middle: f64,
    long: f64,
}

impl Spans {
    fn new(series: &Series, noise: f64, swing: f64, level: f64) -> Self {
        let of = |span: f64| {
            let points = series.between(-span, 0.0);
            let Some(slope) = slope(points).filter(|_| points.len() > 3) else { return 0.0 };
            let way = (slope * (points[points.len() - 1].at - points[0].at)).abs();
            let least = (LIKELY * stray(noise, points.len()).max(swing)).max(0.03 * level.abs());
            if way >= least { slope } else { 0.0 }
        };
        Self { short: of(SHORT), middle: of(MIDDLE), long: of(BEFORE) }
    }

    /// The steepest fall, not above zero.
    fn least(&self) -> f64 {
        self.short.min(self.middle).min(self.long).min(0.0)
    }

    /// The steepest rise, not below zero.
    fn most(&self) -> f64 {
        self.short.max(self.middle).max(self.long).max(0.0)
    }

    /// A fall that lasted for minutes.
    fn lasting(&self) -> f64 {
        if self.middle < 0.0 { self.middle } else { self.long.min(0.0) }
    }
}

fn values(points: &[Point]) -> Vec<f64> {
    points.iter().map(|point| point.value).collect()
}
