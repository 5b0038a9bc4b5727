//! Cursor, scrolling and order of a table.

/// A cursor in a list and the first visible row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    pub row: usize,
    pub top: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    /// Index into the columns of the kind's table.
    pub column: usize,
    pub descending: bool,
}

impl Cursor {
    /// Keeps the cursor inside `len` rows and visible in a window of `height` rows.
    pub fn clamp(&mut self, len: usize, height: usize) {
        self.row = self.row.min(len.saturating_sub(1));
        self.top = self.top.min(self.row);
        if height > 0 && self.row >= self.top + height {
            self.top = self.row + 1 - height;
        }
        self.top = self.top.min(len.saturating_sub(height.min(len)));
    }
}
