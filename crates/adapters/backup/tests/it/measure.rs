//! How long it takes; nothing is asserted. To run it:
//! `cargo test --release -p cc-ci-backup --test it -- --ignored --nocapture`.

use cc_ci_core::ports::Snapshots;

use crate::support::{Host, now, put};

/// Bytes that do not compress, the same ones every time.
fn noise(length: usize, mut seed: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        // xorshift64
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        bytes.extend_from_slice(&seed.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

async fn measure(what: &str, host: &Host) {
    let sources = [host.source("app_data", "")];
    let began = now();
    let id = host.snapshots.take("app", &sources).await.unwrap();
    let first = began.elapsed();
    let began = now();
    host.snapshots.take("app", &sources).await.unwrap();
    let again = began.elapsed();
    let began = now();
    host.snapshots.list(&id).await.unwrap();
    let listed = began.elapsed();
    let began = now();
    host.snapshots.contains(&id, "app_data", b"is not in it at all").await.unwrap();
    let searched = began.elapsed();
    let began = now();
    host.snapshots.restore(&id, &sources).await.unwrap();
    println!(
        "{what}: taken in {first:.2?}, again in {again:.2?}, listed in {listed:.2?}, searched in \
         {searched:.2?}, restored in {:.2?}",
        began.elapsed()
    );
}

#[tokio::test]
#[ignore = "it only measures"]
async fn durations() {
    let host = Host::with_volumes(&["app_data"]);
    for number in 0..1000_u64 {
        let path = host.data("app_data").join(format!("{}/{number}", number % 10));
        put(path, noise(4096, number + 1));
    }
    measure("1,000 files of 4 KiB", &host).await;
    let host = Host::with_volumes(&["app_data"]);
    put(host.data("app_data").join("noise"), noise(100 << 20, 1));
    measure("100 MiB that do not compress", &host).await;
    let host = Host::with_volumes(&["app_data"]);
    let lines: Vec<String> = (0..1_500_000_u64)
        .map(|line| format!("INSERT INTO t VALUES ({line}, 'row number {}', NULL);\n", line * line))
        .collect();
    put(host.data("app_data").join("dump.sql"), lines.concat());
    measure("a dump of 78 MB", &host).await;
}
