# shellcheck shell=bash
# The Rust toolchain, and what cargo builds. Needs common.sh, packages.sh.

# rust_up: cargo and a linker are there.
rust_up() {
  # `sudo` and bare root shells often lack this folder in PATH.
  if ! have cargo && [ -x "$HOME/.cargo/bin/cargo" ]; then PATH=$HOME/.cargo/bin:$PATH; fi
  have cargo || give_up "$EXIT_LACKING" "no Rust toolchain (cargo) for user $(id -un)" \
    "install one: https://rustup.rs, then open a new shell and run again"
  packages_ensure "$BUILD_TOOLS"
}

# rust_components COMPONENT...: cargo has them.
rust_components() {
  local component
  for component in "$@"; do
    cargo "$component" --version >/dev/null 2>&1 || give_up "$EXIT_LACKING" "the Rust toolchain has no cargo $component" \
      "rustup component add rustfmt clippy"
  done
}

# Where the cc-ci that `cargo build` makes lies.
cc_ci_binary() { printf '%s\n' "${CARGO_TARGET_DIR:-$REPO_ROOT/target}/debug/cc-ci"; }

# Everything is built by `--locked`: what was tested is what is built. Debug, because a run waits for Docker, not for us,
# and a debug build is there in half the time.
cc_ci_build() {
  say "building cc-ci (the first time takes a few minutes)"
  cargo --locked build --package cc-ci ||
    give_up 1 "cc-ci does not build" "see cargo's message above; without a network it needs its crates in the cargo cache"
}
