//! Why a file cannot be read or written, in words that need no table of numbers.

use std::io::{self, ErrorKind};

/// The same error in plain words; its kind stays, its number is lost. One that has words of its own is as it was.
pub fn plain(error: io::Error) -> io::Error {
    if error.get_ref().is_some() {
        return error;
    }
    let words = match error.kind() {
        ErrorKind::NotFound => "it does not exist".to_owned(),
        ErrorKind::PermissionDenied => "its permissions do not allow it".to_owned(),
        ErrorKind::AlreadyExists => "something has this name already, and nothing is overwritten".to_owned(),
        ErrorKind::IsADirectory => "it is a directory: name a file".to_owned(),
        ErrorKind::NotADirectory => "a part of its path is a file, not a directory".to_owned(),
        ErrorKind::StorageFull => "the disk is full".to_owned(),
        ErrorKind::QuotaExceeded => "your share of the disk is full".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "its file system is read-only".to_owned(),
        ErrorKind::InvalidFilename => "its name is longer than a file's may be".to_owned(),
        ErrorKind::BrokenPipe => "nobody reads it any more".to_owned(),
        _ => without_number(&error.to_string()),
    };
    io::Error::new(error.kind(), words)
}

/// `Input/output error (os error 5)` as `input/output error`.
fn without_number(says: &str) -> String {
    let words = says.split(" (os error").next().unwrap_or(says);
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_of_the_operating_system_is_left() {
        for number in 1..=133 {
            let error = plain(io::Error::from_raw_os_error(number));
            let says = error.to_string();
            assert!(!says.contains("os error") && !says.is_empty(), "{number}: {says}");
            assert_eq!(error.kind(), io::Error::from_raw_os_error(number).kind());
        }
        assert_eq!(plain(io::Error::from_raw_os_error(2)).to_string(), "it does not exist");
        assert_eq!(plain(io::Error::from_raw_os_error(5)).to_string(), "input/output error");
        assert_eq!(plain(io::Error::other("Its own")).to_string(), "Its own");
    }
}
