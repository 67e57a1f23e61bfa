//! Tests of the redactor.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use cc_ci_model::event::{Event, EventKind};
use cc_ci_model::plan::Finding;
use cc_ci_model::secret::Secret;
use cc_ci_model::time::Timestamp;
use proptest::prelude::*;

use super::*;

fn redactor(secrets: &[&str]) -> Redactor {
    let mut redactor = Redactor::default();
    for secret in secrets {
        redactor.keep(&Secret::new(*secret));
    }
    redactor
}

#[track_caller]
fn check(secrets: &[&str], text: &str, expected: &str) {
    assert_eq!(redactor(secrets).scrub(text), expected);
}

#[test]
fn a_secret_is_found_in_every_form() {
    let secret = "p\"ss wörd/+1";
    check(&[secret], &format!("a {secret} b"), "a [secret] b");
    check(&[secret], r#"{"x":"p\"ss wörd/+1"}"#, r#"{"x":"[secret]"}"#);
    check(&[secret], r#"{"x":"p\"ss w\u00f6rd\/+1"}"#, r#"{"x":"[secret]"}"#);
    check(&[secret], "u:p%22ss%20w%C3%B6rd%2F%2B1@h", "u:[secret]@h");
    check(&[secret], "u:p%22ss%20w%c3%b6rd%2f%2b1@h", "u:[secret]@h");
    check(&[secret], "q=p%22ss+w%C3%B6rd%2F%2B1&", "q=[secret]&");
    check(&[secret], "nothing of it", "nothing of it");
}

/// `Authorization: Basic` holds `user:password`: where the password begins is chance.
#[test]
fn base64_is_found_at_every_alignment() {
    let secret = "7Kd/+4hG?~>Lm2Q";
    let clean = redactor(&[secret]);
    for user in ["", "u", "us", "use", "user"] {
        let pair = format!("{user}:{secret}:");
        for text in [STANDARD.encode(&pair), URL_SAFE.encode(&pair), STANDARD_NO_PAD.encode(&pair)]
        {
            let scrubbed = clean.scrub(&text);
            assert!(scrubbed.contains(MASK), "{text}");
            // What is left of a character at either end holds less than six bits of it.
            assert!(
                scrubbed.replace(MASK, "").len() <= 4 * user.len().div_ceil(3) + 12,
                "{scrubbed}"
            );
            assert!(clean.survives_in(text.as_bytes()) && !clean.survives_in(scrubbed.as_bytes()));
        }
    }
}

#[test]
fn short_secrets_are_matched_as_words_only() {
    check(&["abc"], "abc abcd xabc (abc) abc", "[secret] abcd xabc ([secret]) [secret]");
    check(&[""], "text", "text");
    assert!(!redactor(&["abc"]).survives_in(b"abc"));
}

#[test]
fn one_secret_inside_another_leaves_no_rest() {
    check(&["password1", "password1234"], "password1234 password1", "[secret] [secret]");
}

/// Docker splits a line after 16 KiB, a page is told by its beginning, an output by its end.
#[test]
fn what_a_cut_left_of_a_secret_is_found() {
    let secret = "Zq8vN2wXr5TjLk3M";
    for at in PIECE..=secret.len() - PIECE {
        let (beginning, end) = secret.split_at(at);
        check(&[secret], &format!("ends with {beginning}"), "ends with [secret]");
        check(&[secret], &format!("{end} begins"), "[secret] begins");
    }
    check(&[secret], "of Zq8vN2w nobody learns much", "of Zq8vN2w nobody learns much");
}

/// Ids are as hexadecimal as some secrets.
#[test]
fn a_piece_of_hexadecimal_digits_has_to_be_longer() {
    let secret = "00112233445566778899aabbccddeeff";
    check(&[secret], "id 1122334455ff", "id 1122334455ff");
    check(&[secret], "id 112233445566", "id [secret]");
    check(&["0a1b2c3d"], "is 0a1b2c3d", "is [secret]");
}

#[test]
fn a_secret_survives_only_as_a_whole_or_in_a_long_piece() {
    let clean = redactor(&["Zq8vN2wXr5TjLk3M", "0a1b2c3d"]);
    assert!(clean.survives_in(b"\xff\xfeZq8vN2wXr5TjLk3M"));
    assert!(clean.survives_in(b"Zq8vN2wXr5Tj"));
    assert!(clean.survives_in(b"x0a1b2c3dx"));
    assert!(!clean.survives_in(b"Zq8vN2wXr5T 0a1b2c3"));
    assert!(!redactor(&[]).survives_in(b"Zq8vN2wXr5TjLk3M"));
}

fn noted(message: &str) -> Event {
    let finding = Finding::new("x", message, None);
    Event {
        seq: 1234,
        at: Timestamp::from_millis(0),
        lane: cc_ci_model::event::Lane::Main,
        kind: EventKind::Noted { finding },
    }
}

#[test]
fn an_event_stays_an_event() {
    let clean = redactor(&["se\\cr\"et-value", "1234", "event", "code"]);
    let scrubbed = clean.scrub_event(noted("it is se\\cr\"et-value or 1234!"));
    assert_eq!(scrubbed, noted("it is [secret] or [secret]!"));
    assert_eq!(clean.scrub_event(noted("nothing")), noted("nothing"));
}

#[test]
fn a_redactor_does_not_print() {
    let said = format!("{:?}", redactor(&["hunter22", "abc"]));
    assert!(said.starts_with("Redactor(") && !said.contains("hunter22"), "{said}");
}

/// What programs write around a secret, and how they write the secret itself.
fn written(form: usize, secret: &str) -> String {
    let all = forms::all(secret);
    all[form % all.len()].clone()
}

proptest! {
    /// However a text is cut before it is scrubbed, no piece of a secret is left in any part.
    #[test]
    fn no_piece_survives_any_cut(
        secret in "[A-Za-z0-9!@#$%^&*_+=/\"\\\\ -]{8,40}",
        around in proptest::collection::vec("[a-z0-9 ,:{}\"\n]{0,20}", 3),
        form in 0..32_usize,
        cuts in proptest::collection::vec(0..200_usize, 0..4),
    ) {
        let secret = secret.as_str();
        let written = written(form, secret);
        let text = format!("{}{written}{}{written}{}", around[0], around[1], around[2]);
        let clean = redactor(&[secret]);
        let mut cuts: Vec<usize> =
            cuts.iter().map(|cut| text.floor_char_boundary(*cut)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        for part in cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]) {
            let scrubbed = clean.scrub(part);
            prop_assert!(!clean.survives_in(scrubbed.as_bytes()), "{scrubbed}");
            for kept in scrubbed.split(MASK) {
                let has_piece = written.as_bytes().windows(PIECE).any(|piece| {
                    !is_hex(piece) && kept.as_bytes().windows(PIECE).any(|seen| seen == piece)
                });
                prop_assert!(!has_piece, "{kept} of {written}");
            }
        }
    }

    /// What was not a secret stays as it was.
    #[test]
    fn nothing_else_is_taken(text in "[a-z \n{}\":,.]{0,300}", secret in "[A-Z0-9]{16,32}") {
        prop_assert_eq!(redactor(&[secret.as_str()]).scrub(&text), text);
    }

    /// What was cut in haste with a margin, through a secret, holds nothing of it afterwards:
    /// not one byte, and however much shorter the text became.
    #[test]
    fn scrubbed_before_it_is_cut_nothing_is_left(
        around in proptest::collection::vec("[a-z ]{0,80}", 4),
        secret in "[A-Z0-9%]{8,60}",
        limit in 1..300_usize,
    ) {
        let text = around.join(&secret);
        let clean = redactor(&[secret.as_str()]);
        let left = |kept: &str| {
            kept.replace(MASK, "").contains(|c: char| !c.is_ascii_lowercase() && !"[ ]".contains(c))
        };
        let beginning = &text[..text.len().min(limit + MARGIN)];
        let kept = clean.scrub_beginning(beginning, limit);
        prop_assert!(!left(&kept) && kept.len() <= limit, "{}", kept);
        let end = &text[text.len().saturating_sub(limit + MARGIN)..];
        let kept = clean.scrub_end(end, limit);
        prop_assert!(!left(&kept) && kept.len() <= limit, "{}", kept);
    }
}
