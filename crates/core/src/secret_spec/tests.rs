//! Tests of secret declarations and generated values.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::compose::{ComposeText, read};

const COMPOSE: &str = r#"
version: "3.8"
services:
  app:
    image: nginx
    secrets: [db_password, token, given, stray, plain]
secrets:
  db_password: {external: true, name: "${STACK_NAME}_db_password_${SECRET_DB_PASSWORD_VERSION}"}
  token: {external: {name: "${STACK_NAME}_token_${SECRET_TOKEN_VERSION}"}}
  given: {external: true, name: "${STACK_NAME}_smtp-pass_${SECRET_SMTP_PASS_VERSION:-v1}"}
  stray: {external: true, name: "${STACK_NAME}_stray_${SECRET_STRAY_VERSION:-v1}"}
  plain: {external: true}
  unused: {external: true, name: "${STACK_NAME}_unused_${SECRET_UNUSED_VERSION:-v1}"}
  made: {file: ./x}
"#;

fn needs(sample: &str) -> SecretNeeds {
    let env = EnvFile::parse(".env.sample", sample).unwrap();
    let mut known = env.to_map();
    known.insert("STACK_NAME".to_owned(), "st".to_owned());
    let files = [ComposeText { name: "compose.yml".to_owned(), text: COMPOSE.to_owned() }];
    let compose = read(&files, &known, "st", &|_| Some(Vec::new())).unwrap();
    needed(&env, &compose)
}

#[test]
fn declared_secrets_carry_their_orders() {
    let needs = needs(
        "SECRET_DB_PASSWORD_VERSION=v1 # length=24 charset=hex\n\
         SECRET_TOKEN_VERSION=v2\n\
         SECRET_SMTP_PASS_VERSION=v1 # generate=false\n\
         #SECRET_STRAY_VERSION=v1\n",
    );
    let lines: Vec<_> = needs
        .specs
        .iter()
        .map(|s| {
            format!(
                "{} {} {} {:?} {:?} {}",
                s.name, s.object, s.version, s.length, s.charset, s.generate
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            "db_password st_db_password_v1 v1 Some(24) Hex true",
            "given st_smtp-pass_v1 v1 None Default false",
            "token st_token_v2 v2 None Default true",
        ]
    );
    let undeclared: Vec<_> = needs.undeclared.iter().map(|(n, o)| format!("{n} {o}")).collect();
    assert_eq!(undeclared, ["plain plain", "stray st_stray_v1"]);
    assert_eq!(needs.warnings, []);
}

#[test]
fn orders_that_are_not_understood_are_said() {
    for comment in ["length=x", "length=0", "length=99999", "charset=emoji", "generate=maybe"] {
        let text = format!("SECRET_DB_PASSWORD_VERSION=v1 # {comment}\nSECRET_TOKEN_VERSION=v1\n");
        let warnings = needs(&text).warnings;
        assert_eq!(warnings.len(), 1, "{comment}");
        assert!(warnings[0].to_string().contains(comment));
    }
    for comment in
        ["length=5, generate=true", "just words", "see https://x/?a=b", "charset=default"]
    {
        let text = format!("SECRET_DB_PASSWORD_VERSION=v1 # {comment}\nSECRET_TOKEN_VERSION=v1\n");
        assert_eq!(needs(&text).warnings, [], "{comment}");
    }
}

#[test]
fn charsets_combine_to_the_widest() {
    for (names, expected) in [
        ("default", Charset::Default),
        ("hex", Charset::Hex),
        ("default,special", Charset::Special),
        ("special", Charset::Special),
        ("default,safespecial", Charset::SafeSpecial),
        ("special,safespecial", Charset::Special),
        ("hex,default", Charset::Default),
    ] {
        let text =
            format!("SECRET_DB_PASSWORD_VERSION=v1 # charset={names}\nSECRET_TOKEN_VERSION=v1");
        assert_eq!(needs(&text).specs[0].charset, expected, "{names}");
    }
}

fn spec(length: Option<usize>, charset: Charset) -> SecretSpec {
    SecretSpec {
        name: "x".parse().unwrap(),
        object: "st_x_v1".to_owned(),
        version: "v1".to_owned(),
        length,
        charset,
        generate: true,
    }
}

#[test]
fn no_character_is_preferred() {
    let every_byte: Vec<u8> = (0..=255).collect();
    for charset in [Charset::Default, Charset::Special, Charset::SafeSpecial, Charset::Hex] {
        let count = charset.alphabet().len();
        let usable = 256 - 256 % count;
        let mut bytes = every_byte.iter().copied().cycle();
        let mut random = || bytes.next().unwrap();
        let secret = generate(&spec(Some(usable), charset), &mut random);
        let mut counts = BTreeMap::new();
        for c in secret.expose().bytes() {
            *counts.entry(c).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), count);
        assert!(counts.values().all(|n| *n == usable / count), "{charset:?}");
    }
}

#[test]
fn a_broken_source_still_ends() {
    assert_eq!(generate(&spec(None, Charset::Default), &mut || 255).expose().len(), 32);
}

proptest! {
    #[test]
    fn values_have_the_length_and_the_characters(length in 1_usize..300, seed in any::<u64>()) {
        let mut state = seed;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        };
        let spec = spec(Some(length), Charset::SafeSpecial);
        let secret = generate(&spec, &mut random);
        prop_assert_eq!(secret.expose().len(), length);
        prop_assert!(secret.expose().bytes().all(|b| spec.charset.alphabet().contains(&b)));
    }
}
