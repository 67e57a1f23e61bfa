//! Tests of the `abra.sh` reader.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, exports: &[(&str, &str)], warnings: &[&str]) {
    let found = AbraSh::parse("abra.sh", text);
    let got: Vec<_> = found.exports.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(got, exports, "{text}");
    assert_eq!(found.warnings.len(), warnings.len(), "{text}: {:?}", found.warnings);
    for (warning, said) in found.warnings.iter().zip(warnings) {
        assert!(warning.to_string().contains(said), "{warning}");
    }
}

#[test]
fn literal_exports_are_taken() {
    check("export A_VERSION=v1\n", &[("A_VERSION", "v1")], &[]);
    check(
        "  export A=v1 # why\r\nexport B='a b'\nexport C=\"d e\"",
        &[("A", "v1"), ("B", "a b"), ("C", "d e")],
        &[],
    );
    check("export A=1 B=2; export A=3", &[("A", "3"), ("B", "2")], &[]);
    check("export A=1 && export B=2", &[("A", "1"), ("B", "2")], &[]);
    check("export A=\"x\\\"\\$y\"'z'\\ w\nexport E=", &[("A", "x\"$yz w"), ("E", "")], &[]);
    check("{ export A=1; }", &[("A", "1")], &[]);
    check("export \\\n  A=1", &[("A", "1")], &[]);
    check("A=1\n#export B=2\necho export C=3", &[], &[]);
}

#[test]
fn other_forms_are_warned_about() {
    check("export A=$(date)", &[], &["abra.sh:1:8: `A=$(date)` is not taken"]);
    check("export A=\"$B\"\nexport C=`x`", &[], &["`A=\"$B\"`", "`C=`x``"]);
    check("A=1\nexport A", &[], &["abra.sh:2:8: `A` is not taken"]);
    check("export -n A=1", &[("A", "1")], &["`-n`"]);
    check("declare -x A=1\ntypeset -gx B=2\ndeclare -a C=3", &[], &["1:1", "2:1"]);
    check("export A=~/x B=*.y C=(1 2) D={1,2}", &[], &["A=", "B=", "C=", "D="]);
    check("export 1A=x", &[], &["1A=x"]);
    check(
        "export B=1\nexport A='x\nexport C=1",
        &[("B", "1")],
        &["`A='x", "2:10: this is never closed"],
    );
}

#[test]
fn conditions_are_not_taken() {
    check(
        "if x; then\n  export A=1\nfi\nexport B=2",
        &[("B", "2")],
        &["abra.sh:2:3: this export is not taken"],
    );
    check("[ -z \"$A\" ] && export A=1\nexport B=2", &[("B", "2")], &["1:16"]);
    check(
        "x ||\n  export A=1 && export C=3\nx || true; export B=2",
        &[("B", "2")],
        &["2:3", "2:17"],
    );
    check("for x in a b; do export A=1; done; export B=2", &[("B", "2")], &["1:18"]);
    check("case $1 in\n a) export A=1 ;;\n (b) x ;;\nesac\nexport B=2", &[("B", "2")], &["2:5"]);
    check("(export A=1)\nexport B=2", &[("B", "2")], &["1:2"]);
}

#[test]
fn functions_are_skipped() {
    let text = "
#!/bin/bash
export A=1
backup() {
  export NO=1
  if [ \"$1\" = \"}\" ]; then echo '}'; export NO=2; fi
  cat <<-EOF > /tmp/x
	}
	export NO=3
	EOF
  echo \"${B:-\"}\"}\" $((1 << 2))
}
function other { export NO=4; }
function third() { export NO=5; }
fourth () (
  export NO=6
)
fifth()
{
  case \"$1\" in a|b) export NO=7;; esac
  (( x = 1 << 2 ))
  arr=(export NO=8)
}
export Z=2
";
    check(text, &[("A", "1"), ("Z", "2")], &[]);
}

#[test]
fn here_documents_are_text() {
    check("cat <<EOF\nexport A=1\nEOF\nexport B=2", &[("B", "2")], &[]);
    check("cat <<'E F' | x\nexport A=1\nE F\nexport B=2", &[("B", "2")], &[]);
    check("cat <<< EOF\nexport B=2", &[("B", "2")], &[]);
    check("cat <<EOF\nexport A=1\n", &[], &["2:1: this is never closed"]);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        AbraSh::parse("abra.sh", &text);
    }

    #[test]
    fn no_shell_text_makes_it_panic(
        pieces in proptest::collection::vec(
            prop::sample::select(vec![
                "export ", "A=b", "'", "\"", "$(", ")", "${", "}", "{", "(", "((", "`", "\\", "\n",
                "<<EOF", "EOF", ";;", "&&", "|", "if ", "fi", "case ", " in ", "esac", "do ", "done",
                "f()", "function ", "#", " ", "ä", "<(", ">", "$'", "declare -x ",
            ]),
            0..40,
        )
    ) {
        AbraSh::parse("abra.sh", &pieces.concat());
    }
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    for piece in ["\"$(", "${", "$(", "(", "{ ", "if ", "`\""] {
        AbraSh::parse("abra.sh", &piece.repeat(50_000));
    }
}
