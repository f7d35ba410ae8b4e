use super::*;

fn name(number: u8) -> StateName {
    StateName([number; NAME_BYTES])
}

#[test]
fn the_newest_name_is_first_and_the_fifth_is_forgotten() {
    let mut rev = Rev::new(name(1));
    for number in 2..=4 {
        assert!(!rev.is_full());
        rev = rev.next(name(number));
    }
    assert!(rev.is_full() && (1..=4).all(|number| rev.has(name(number))));
    let rev = rev.next(name(5));
    assert_eq!(rev.newest(), name(5));
    assert!(!rev.has(name(1)) && (2..=5).all(|number| rev.has(name(number))));
}

#[test]
fn a_name_that_was_never_written_is_not_found() {
    let rev = Rev::new(name(1));
    assert!(!rev.has(name(0)) && !rev.has(name(2)));
}

#[test]
fn it_is_read_as_it_was_written() {
    let mut rev = Rev::new(name(1));
    for number in 2..7 {
        let read = Rev::from_base64(&rev.to_base64()).unwrap();
        assert_eq!(read.to_base64(), rev.to_base64());
        assert_eq!(
            (read.newest(), read.is_full()),
            (rev.newest(), rev.is_full())
        );
        rev = rev.next(name(number));
    }
}

#[test]
fn bytes_of_another_writer_are_no_names() {
    for text in [
        "",
        "AA==",
        "AAAAAAAAAA==",
        "not base64!",
        &STANDARD.encode([0; 40]),
    ] {
        assert_eq!(Rev::from_base64(text), None, "{text}");
    }
}

#[test]
fn two_names_differ() {
    assert_ne!(StateName::random(), StateName::random());
}
