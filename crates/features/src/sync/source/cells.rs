//! A row's cells in memory that every row uses again.

use crate::sync::cell::Cell;

/// Empties `cells` and gives its memory to the next row.
///
/// Collecting a vector's own iterator reuses its allocation where the items have the same layout,
/// as they have here: only their lifetime differs.
pub(super) fn recycled<'next>(mut cells: Vec<Cell<'_>>) -> Vec<Cell<'next>> {
    cells.clear();
    cells.into_iter().map(|_| Cell::Null).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again() {
        let cells: Vec<Cell<'static>> = Vec::with_capacity(8);
        let place = cells.as_ptr();
        let text = String::from("a");
        let mut cells = recycled(cells);
        cells.push(Cell::Text(&text));
        let cells = recycled(cells);
        assert_eq!(
            (cells.as_ptr(), cells.capacity(), cells.len()),
            (place.cast(), 8, 0)
        );
    }
}
