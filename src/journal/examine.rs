//! What a whole chain does not show: that it is another cluster's, that its end is gone or that nothing tells of its end, that its clock
//! went back or ahead, that what it vouches for was altered.

use std::{io::BufReader, path::Path};

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde_json::Value;

use super::{FILE_NAME, Root, VerifyError, head, kept, line, verify::for_each_line};
use crate::{domain::units, files};

/// By how much a clock that is being corrected may go back, or have been ahead.
const CORRECTED: TimeDelta = TimeDelta::seconds(2);

/// What is wrong with a journal whose chain holds, in sentences; and whether its end is known from a second place.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Examination {
    pub wrong: Vec<String>,
    pub has_head: bool,
}

/// Reads the file once more, a line at a time. `root` is where journals are: which folder is which cluster's. Nothing was written after `now`.
pub fn examine(path: &Path, root: &Root, now: DateTime<Utc>) -> Result<Examination, VerifyError> {
    let io = |source| VerifyError::Io { path: path.to_owned(), source };
    let folder = path.parent().filter(|_| path.file_name().is_some_and(|name| name == FILE_NAME));
    let found = folder.map(head::read).unwrap_or_default();
    let mut look = Look { head: found.head(), latest: Some(now + CORRECTED), ..Look::default() };
    let mut reader = BufReader::new(files::open(path).map_err(io)?);
    let Ok(()) = for_each_line(&mut reader, |bytes| {
        look.at(bytes.strip_suffix(b"\n").unwrap_or(bytes));
        Ok::<_, std::convert::Infallible>(())
    })
    .map_err(io)?;
    let mut wrong = look.finish(folder, root);
    wrong.extend(folder.and_then(|folder| without_head(folder, root, &found)));
    wrong.extend(folder.filter(|folder| root.is_above(folder)).and_then(|_| not_ours_alone(path)));
    Ok(Examination { wrong, has_head: found.head().is_some() })
}

/// Why a journal in its place may be written or replaced by somebody else; whole as it is, it proves nothing then.
fn not_ours_alone(path: &Path) -> Option<String> {
    let why = files::open_own(path, files::To::Read).err()?;
    Some(format!("{} may be another's work: {why}", path.display()))
}

/// Why nothing tells of the end of a journal that stands in its place. A copy elsewhere has nothing beside it.
fn without_head(folder: &Path, root: &Root, found: &head::Found) -> Option<String> {
    let path = head::path(folder);
    let path = path.display();
    match found {
        head::Found::Damaged(why) => Some(format!("{path}, which tells where it ended, is damaged: {why}; whether its end was cut is not known")),
        head::Found::Missing if root.is_above(folder) => {
            Some(format!("{path}, which tells where it ended, is missing; whether its end was cut is not known"))
        }
        head::Found::Missing | head::Found::Whole(_) => None,
    }
}

#[derive(Default)]
struct Look<'a> {
    head: Option<&'a head::Head>,
    /// No record is younger.
    latest: Option<DateTime<Utc>>,
    ahead: Option<(u64, String)>,
    /// How many others are ahead.
    more_ahead: u64,
    kept: kept::Hashes,
    last: u64,
    last_hash: String,
    /// Of the first record.
    cluster: Option<String>,
    others: Option<(u64, String)>,
    last_time: Option<DateTime<FixedOffset>>,
    backwards: Option<(u64, String, String)>,
    cuts: Vec<String>,
    is_rewritten: bool,
}

impl Look<'_> {
    fn at(&mut self, bytes: &[u8]) {
        let Ok(intact) = line::check(bytes) else { return };
        let text = |name: &str| intact.record.get(name).and_then(Value::as_str).unwrap_or_default();
        let cluster = text("cluster");
        match &self.cluster {
            None => self.cluster = Some(cluster.to_owned()),
            Some(first) if first != cluster && self.others.is_none() => self.others = Some((intact.seq, cluster.to_owned())),
            Some(_) => {}
        }
        if let Ok(time) = DateTime::parse_from_rfc3339(text("time")) {
            if let Some(last) = self.last_time.filter(|last| *last - time > CORRECTED && self.backwards.is_none()) {
                self.backwards = Some((intact.seq, last.to_rfc3339(), time.to_rfc3339()));
            }
            self.last_time = Some(time);
            if self.latest.is_some_and(|latest| time > latest) {
                match self.ahead {
                    None => self.ahead = Some((intact.seq, time.to_rfc3339())),
                    Some(_) => self.more_ahead += 1,
                }
            }
        }
        if let Some((intent, hash)) = kept::hash_in(&intact) {
            self.kept.entry(intent).or_default().push(hash.to_owned());
        }
        if intact.kind == head::CUT_FOUND {
            let had = intact.record.get("had").and_then(Value::as_u64).unwrap_or_default();
            self.cuts.push(format!("before record {} its end was cut: it had {} once", intact.seq, units::counted(had, "record")));
        }
        if intact.kind == head::LOST_FOUND {
            self.cuts.push(format!("at record {} nothing told where it had ended: {}", intact.seq, text("why")));
        }
        self.is_rewritten |= self.head.is_some_and(|head| head.seq.0 == intact.seq && head.hash != intact.hash);
        self.last = intact.seq;
        self.last_hash = intact.hash;
    }

    fn finish(self, folder: Option<&Path>, root: &Root) -> Vec<String> {
        let mut wrong = self.cuts;
        if let Some((seq, cluster)) = self.others {
            wrong.push(format!("record {seq} is of another cluster, {cluster}, than those before"));
        }
        if let (Some(folder), Some(cluster)) = (folder, &self.cluster)
            && root.is_above(folder)
            && root.directory(cluster).is_ok_and(|own| own.file_name() != folder.file_name())
        {
            wrong.push(format!("it is the journal of another cluster, {cluster}, than the one its folder is for"));
        }
        if let Some(head) = self.head {
            let Self { last, .. } = self;
            if head.seq.0 > last {
                wrong.push(format!("its end was cut: it has {}, and had {}", units::counted(last, "record"), head.seq.0));
            } else if self.is_rewritten {
                wrong.push(format!("it was written anew: record {} is not the one that was written then", head.seq.0));
            }
        }
        let kept = folder.map(kept::numbers_in).unwrap_or_default();
        if let Some(beyond) = kept.last().filter(|number| **number > self.last) {
            wrong.push(format!(
                "its end was cut: {}/{beyond}.json takes back record {beyond}, and it has {}",
                kept::FOLDER,
                units::counted(self.last, "record")
            ));
        }
        for number in kept.iter().filter(|number| **number <= self.last) {
            let path = folder.map(|folder| kept::path_in(folder, *number)).unwrap_or_default();
            let hashes = self.kept.get(number);
            if !hashes.is_some_and(|hashes| kept::is_vouched(&path, hashes)) {
                wrong.push(kept::altered(&path, *number, hashes.is_some()));
            }
        }
        if let Some((seq, time)) = self.ahead {
            let more = match self.more_ahead {
                0 => String::new(),
                1 => " (and 1 other)".to_owned(),
                many => format!(" (and {many} others)"),
            };
            wrong.push(format!(
                "record {seq}{more} is of {time}, which is still to come: the clock was wrong then or is now, or it was not written then"
            ));
        }
        if let Some((seq, before, after)) = self.backwards {
            wrong.push(format!(
                "its times go back at record {seq}, from {before} to {after}: the clock was set back, or it was not written in one go"
            ));
        }
        wrong
    }
}
