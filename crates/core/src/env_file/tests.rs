//! Tests of the env file parser and editor. The values are those godotenv 1.5.1 gives.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn parsed(text: &str) -> EnvFile {
    EnvFile::parse("sample", text).unwrap()
}

#[track_caller]
fn check(text: &str, key: &str, value: &str) {
    assert_eq!(parsed(text).get(key), Some(value), "{text:?}");
}

#[test]
fn values_are_what_godotenv_reads() {
    check("A=one\nB=\"$A-two\"", "B", "one-two");
    check("A=one\nD=${A}x", "D", "onex");
    check("A=one\nC='$A'", "C", "$A");
    check("EXTRA_DOMAINS=', `www.a.b`'", "EXTRA_DOMAINS", ", `www.a.b`");
    check("SECRET_X_VERSION=v1 # length=32", "SECRET_X_VERSION", "v1");
    check("A=http://x/#frag", "A", "http://x/#frag");
    check("A=\"a # b\"", "A", "a # b");
    check("A=$NOPE-z", "A", "-z");
    check("A=$HOME", "A", "");
    check("A=one\nB=${A:-zz}", "B", "one:-zz}");
    check("LATE=$ZLAST\nZLAST=z", "LATE", "");
    check("PW=pa$$word", "PW", "pa$$word");
    check("export A = b c \t", "A", "b c");
    check("A: b", "A", "b");
    check("A=\"x\\ny\\\\z\\$B\"", "A", "x\ny\\z$B");
    check("A='two\nlines'", "A", "two\nlines");
    check("A=", "A", "");
    check("A=# c", "A", "# c");
    check("A=x # y # z", "A", "x # y");
    check("A=1\nA=2\n", "A", "2");
    check("A=\"say \\\"hi\\\"\"", "A", "say \"hi\\");
}

#[test]
fn compose_file_accumulates() {
    let text = "COMPOSE_FILE=\"compose.yml\"\n\
                #COMPOSE_FILE=\"$COMPOSE_FILE:compose.smtp.yml\"\n\
                COMPOSE_FILE=\"$COMPOSE_FILE:compose.x.yml\"\n\
                COMPOSE_FILE=\"$COMPOSE_FILE:compose.y.yml\"\n";
    check(text, "COMPOSE_FILE", "compose.yml:compose.x.yml:compose.y.yml");
    assert_eq!(parsed(text).commented.len(), 1);
}

#[test]
fn comments_stay_with_their_key() {
    let file = parsed(
        "SECRET_A_VERSION=v1 # length=32 charset=hex\r\nB='x' # y\n#C=z # generate=false\n# text\n",
    );
    let comments: Vec<_> = file.entries.iter().map(|e| (e.line, e.comment.as_deref())).collect();
    assert_eq!(comments, [(1, Some("length=32 charset=hex")), (2, Some("y"))]);
    assert_eq!(file.commented.len(), 1);
    assert_eq!(file.commented[0].key, "C");
    assert_eq!(file.commented[0].value, "z");
    assert_eq!(file.commented[0].comment.as_deref(), Some("generate=false"));
}

#[test]
fn surprises_are_said() {
    for (text, said) in [
        ("A=one\nB=${A:-zz}", "env files have no defaults"),
        ("A=$NOPE", "`NOPE` is not set on an earlier line"),
        ("A=x # y # z", "only the last comment"),
        ("A= # c", "only the last comment"),
        ("A='x' B=y", "behind the closing quote"),
        ("export A B=x", "has a space in it"),
        ("FOO", "expected `NAME=value`"),
    ] {
        let warnings = parsed(text).warnings;
        assert!(warnings.iter().any(|w| w.message.contains(said)), "{text:?}: {warnings:?}");
        assert!(warnings.iter().all(|w| w.place.is_some()));
    }
    assert!(parsed("A=b # c\nB=\"$A\"").warnings.is_empty());
}

#[test]
fn bad_lines_have_a_place() {
    let error = EnvFile::parse("sample", "A=b\nC=\"x\nD=e\n").unwrap_err();
    assert_eq!(error.to_string(), "sample:2:3: the quote is never closed\n 2 | C=\"x\n   |   ^");
    let error = EnvFile::parse("sample", "A=b\nnot-a-name\n").unwrap_err();
    assert!(error.to_string().starts_with("sample:2:4: unexpected character '-'"));
}

#[test]
fn one_key_changes_and_the_lines_stay() {
    let text = "# head\r\nexport TYPE=ghost\r\nA=1 # length=5\r\n\r\nA='2' # last\r\nB=$A\r\n";
    let mut file = parsed(text);
    file.set("A", "a b").unwrap();
    file.set("TYPE", "ghost:1.0.0+2.0").unwrap();
    file.set("DOMAIN", "x.test").unwrap();
    assert_eq!(
        file.to_text(),
        "# head\r\nexport TYPE=ghost:1.0.0+2.0\r\nA=1 # length=5\r\n\r\nA=\"a b\" # last\r\n\
         B=$A\r\nDOMAIN=x.test\r\n"
    );
    assert_eq!(file.get("B"), Some("a b"));
    assert!(file.set("", "x").is_err());
    assert!(file.set("A=B", "x").is_err());
}

#[test]
fn values_read_back_as_they_were_set() {
    let values = [
        "",
        "plain",
        "a b",
        " lead",
        "trail ",
        "it's",
        "say \"hi\"",
        "\"q\"",
        "'q'",
        "$A",
        "\\$A",
        "back\\",
        "a\nb",
        "a\r\nb",
        "# no",
        "x # y",
        "`a`, 'b'",
        "pa$$word",
        "a\\nb",
        "ä€😀",
        "\\",
        "{\"a\": 1}",
        "${A:-b}",
        "=",
        "a:b",
    ];
    for value in values {
        for text in ["", "A=1", "A=1 # c\nB=2\n", "A='x\ny'\nB=$A"] {
            let mut file = parsed(text);
            file.set("A", value).unwrap();
            check(&file.to_text(), "A", value);
        }
    }
}

#[test]
fn an_adopted_line_keeps_its_orders() {
    let sample = parsed("SECRET_A_VERSION=v1 # length=32\nB='x y' # why\nC=1\n");
    let mut file = parsed("DOMAIN=x # mine");
    for entry in &sample.entries {
        file.adopt(entry).unwrap();
    }
    assert_eq!(
        file.to_text(),
        "DOMAIN=x # mine\nSECRET_A_VERSION=v1 # length=32\nB=\"x y\" # why\nC=1\n"
    );
    let comments: Vec<_> = file.entries.iter().map(|e| e.comment.as_deref()).collect();
    assert_eq!(comments, [Some("mine"), Some("length=32"), Some("why"), None]);
    file.adopt(&EnvEntry { value: "y".to_owned(), ..sample.entries[0].clone() }).unwrap();
    assert_eq!(file.get("SECRET_A_VERSION"), Some("y"));
    assert_eq!(file.entries.len(), 4);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        drop(EnvFile::parse("sample", &text));
    }

    #[test]
    fn no_messy_text_makes_it_panic(text in "([A-C]|=|:|#|'|\"|\\$|\\{|\\}|\\(|\\\\|\n|\r\n|\r| |ä|export ){0,40}") {
        if let Ok(file) = EnvFile::parse("sample", &text) {
            prop_assert_eq!(file.to_map().len() <= file.entries.len(), true);
        }
    }

    #[test]
    fn what_can_be_set_reads_back(value in any::<String>(), text in "([AB]=[a-z$'\"# ]{0,6}\n){0,4}") {
        if let Ok(mut file) = EnvFile::parse("sample", &text)
            && file.set("A", &value).is_ok()
        {
            let again = EnvFile::parse("sample", &file.to_text()).unwrap();
            prop_assert_eq!(again.get("A"), Some(value.as_str()));
        }
    }
}
