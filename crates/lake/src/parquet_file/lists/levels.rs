//! Levels of lists that are all equally long and never null.

/// Appends a number, seven bits a byte, the least first.
fn push_varint(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// A run of equal levels of one bit.
fn push_run(bytes: &mut Vec<u8>, count: usize, level: u8) {
    if count > 0 {
        push_varint(bytes, count << 1);
        bytes.push(level);
    }
}

/// What precedes the numbers in a page (version 1) of so many lists: the repetition levels, 0 where a list begins and else 1, and the definition
/// levels, all 1, each with its length before it.
pub(super) fn levels(lists: usize, length: usize) -> Vec<u8> {
    let mut repetition = Vec::new();
    if length == 1 {
        push_run(&mut repetition, lists, 0);
    } else {
        let mut list = Vec::new();
        push_run(&mut list, 1, 0);
        push_run(&mut list, length - 1, 1);
        repetition = list.repeat(lists);
    }
    let mut definition = Vec::new();
    push_run(&mut definition, lists * length, 1);
    let mut page = Vec::with_capacity(8 + repetition.len() + definition.len());
    for levels in [repetition, definition] {
        page.extend_from_slice(&(levels.len() as u32).to_le_bytes());
        page.extend_from_slice(&levels);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_what_the_format_says() {
        assert_eq!(levels(2, 3), [8, 0, 0, 0, 2, 0, 4, 1, 2, 0, 4, 1, 2, 0, 0, 0, 12, 1]);
        assert_eq!(levels(100, 1), [3, 0, 0, 0, 0xc8, 1, 0, 3, 0, 0, 0, 0xc8, 1, 1]);
        assert_eq!(levels(1, 128)[4..9], [2, 0, 0xfe, 1, 1]);
    }
}
